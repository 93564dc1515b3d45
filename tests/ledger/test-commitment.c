/* SPDX-License-Identifier: Apache-2.0 */
/* R23: leaves tell nothing of a person; erasing salts leaves every proof valid. */
#include "gate/ledger/commitment.h"

#include <string.h>

#include "gate/ledger/proof.h"
#include "tests/ledger/log.h"

static json_t *commit_leaf(void) {
  return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:[s,s], s:[{s:s, s:i}], s:s}", "type", "x", "at", 1, "session", "room-7", "participant",
                   "anna", "name", "Anna Example", "disclosure_sha256", "00ff", "roster", "anna", "ben", "confirmed", "participant", "ben",
                   "n", 4, "by", "auditor-1");
}

static json_t *seal(Log *log, json_t *leaf) {
  g_autoptr(GError) error = NULL;
  json_t *sealed = commitment_seal(log->db, leaf, &error);
  g_assert_no_error(error);
  json_decref(leaf);
  return sealed;
}

static const char *field(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static void test_nothing_personal(void) {
  static const char *const secrets[] = {"room-7", "anna", "Anna", "ben", "auditor-1", "00ff"};
  g_autoptr(Log) log = log_new();
  json_auto_t *sealed = seal(log, commit_leaf());
  g_autofree char *text = ledger_canonical_json(sealed, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(secrets); i++)
    g_assert_null(strstr(text, secrets[i]));
  g_assert_cmpstr(field(sealed, "type"), ==, "x");
  g_assert_cmpuint(json_array_size(json_object_get(sealed, "roster")), ==, 2);
}

/* The same person is the same word throughout a session, another elsewhere; what is in a list is the same as what stands alone. */
static void test_same_person(void) {
  g_autoptr(Log) log = log_new();
  json_auto_t *one = seal(log, commit_leaf());
  json_auto_t *two = seal(log, json_pack("{s:s, s:s}", "session", "room-7", "participant", "ben"));
  json_auto_t *elsewhere = seal(log, json_pack("{s:s, s:s}", "session", "room-8", "participant", "ben"));
  const char *ben = field(two, "participant");
  g_assert_cmpstr(json_string_value(json_array_get(json_object_get(one, "roster"), 1)), ==, ben);
  g_assert_cmpstr(field(json_array_get(json_object_get(one, "confirmed"), 0), "participant"), ==, ben);
  g_assert_cmpstr(json_string_value(json_array_get(json_object_get(one, "roster"), 0)), ==, field(one, "participant"));
  g_assert_cmpstr(field(one, "session"), ==, field(two, "session"));
  g_assert_cmpstr(field(elsewhere, "participant"), !=, ben);
  g_assert_cmpstr(field(elsewhere, "session"), !=, field(two, "session"));
}

/* Whoever has the salt can open a commitment: node's crypto says the same of SHA-256 over the documented text. */
static void test_opens(void) {
  guint8 salt[COMMITMENT_SALT_BYTES];
  char commitment[COMMITMENT_TEXT_BYTES];
  for (guint i = 0; i < sizeof salt; i++)
    salt[i] = (guint8)i;
  commitment_make(salt, "participant", "anna", commitment);
  g_assert_cmpstr(commitment, ==, "4X7PpPvOJrWG6LUj2KHHlpmej3CKKO1h4VV5p8hxEKo");
  g_autoptr(Log) log = log_new();
  gboolean found;
  g_autoptr(GError) error = NULL;
  json_auto_t *sealed = seal(log, commit_leaf());
  g_assert_true(commitment_salt(log->db, "room-7", "anna", salt, &found, &error));
  commitment_make(salt, "participant", "anna", commitment);
  g_assert_cmpstr(commitment, ==, field(sealed, "participant"));
  commitment_make(salt, "name", "Anna Example", commitment);
  g_assert_cmpstr(commitment, ==, field(sealed, "name"));
}

static void test_forget(void) {
  g_autoptr(Log) log = log_new();
  g_autoptr(GError) error = NULL;
  guint8 salt[COMMITMENT_SALT_BYTES];
  gboolean found;
  gint64 index;
  g_assert_true(log_append(log, seal(log, commit_leaf()), &index, NULL, &error));
  log_fill(log, 5);
  log_sign(log);
  g_autofree char *leaf = ledger_leaf(log->db, 0, &error), *proof = proof_file(log->db, 0, &error);
  g_assert_true(commitment_forget(log->db, "room-7", "anna", &error));
  g_assert_false(commitment_salt(log->db, "room-7", "anna", salt, &found, &error));
  g_assert_no_error(error);
  g_assert_true(commitment_salt(log->db, "room-7", "ben", salt, &found, &error));
  g_assert_true(commitment_forget(log->db, "room-7", NULL, &error));
  g_assert_false(commitment_salt(log->db, "room-7", "ben", salt, &found, &error));
  ProofFile file;
  g_assert_true(ledger_check(log->db, log->verifier, &error));
  g_assert_true(proof_file_open(log->verifier, proof, leaf, strlen(leaf), &file, &error));
  json_auto_t *again = seal(log, json_pack("{s:s, s:s}", "session", "room-7", "participant", "anna"));
  json_auto_t *before = json_loads(leaf, 0, NULL);
  g_assert_cmpstr(field(again, "participant"), !=, field(before, "participant"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ledger/commitment/nothing-personal", test_nothing_personal);
  g_test_add_func("/ledger/commitment/same-person", test_same_person);
  g_test_add_func("/ledger/commitment/opens", test_opens);
  g_test_add_func("/ledger/commitment/forget", test_forget);
  return g_test_run();
}
