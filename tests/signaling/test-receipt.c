/* SPDX-License-Identifier: Apache-2.0 */
/* R24: a receipt proves exactly what the ledger holds, and nothing that was changed in it. */
#include "signaling/receipt-check.h"
#include "signaling/receipt.h"
#include "tests/vault/fixture.h"

#include <sodium.h>
#include <string.h>

#include "gate/ledger/ledger.h"

#define KEY_SHA256 "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static void keep_proof(const VaultReply *reply, gpointer user) {
  json_t **proof = user;
  g_assert_no_error(reply->error);
  *proof = reply->proof != NULL ? json_incref(reply->proof) : NULL;
}

static json_t *append(Fixture *fixture, json_t *leaf) {
  json_t *proof = NULL;
  vault_append_proven(fixture->vault, "s", leaf, keep_proof, &proof);
  while (proof == NULL)
    g_main_context_iteration(fixture->control, TRUE);
  return proof;
}

static json_t *disclosure_new(void) {
  return json_pack("{s:s, s:s, s:s, s:[s], s:[s], s:i, s:s, s:s, s:s, s:s}", "purpose", "education", "use", "Shown in a seminar.",
                   "storage", "On our own machine.", "access", "Dr. Example", "third_parties", "A publisher", "retention_s", 86400,
                   "on_withdrawal", "session", "language", "en", "controller", "Practice Example", "contact", "privacy@practice.example");
}

/* As a client with an Ed25519 key makes it; ES256 is tests/integration/receipts.test.mjs. */
static json_t *signature_new(const char *disclosure_sha256) {
  guint8 public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES], value[crypto_sign_BYTES];
  char x[64], value_text[96];
  crypto_sign_keypair(public_key, secret);
  json_auto_t *said = json_pack("{s:s, s:s, s:[], s:s, s:s, s:s, s:s}", "decision", "grant", "disclosure_sha256", disclosure_sha256,
                                "fingerprints", "media", "audio", "participant", "ana", "request", "7", "session", "s");
  g_autofree char *text = ledger_canonical_json(said, NULL);
  crypto_sign_detached(value, NULL, (const guint8 *)text, strlen(text), secret);
  sodium_bin2base64(x, sizeof x, public_key, sizeof public_key, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  sodium_bin2base64(value_text, sizeof value_text, value, sizeof value, sodium_base64_VARIANT_ORIGINAL);
  return json_pack("{s:s, s:{s:s, s:s, s:s}, s:s, s:[]}", "alg", "Ed25519", "public_key", "kty", "OKP", "crv", "Ed25519", "x", x, "value",
                   value_text, "fingerprints");
}

static json_t *grant(Fixture *fixture) {
  json_auto_t *disclosure = disclosure_new(), *described = json_object();
  receipt_describe(described, disclosure);
  json_auto_t *own = signature_new(json_string_value(json_object_get(described, "privacy_notice_sha256")));
  json_auto_t *proof = append(fixture, json_pack("{s:s, s:I, s:s, s:s, s:s, s:O, s:s}", "type", "grant", "request", (json_int_t)7, "media",
                                                 "audio", "participant", "ana", "disclosure_sha256",
                                                 json_string_value(json_object_get(described, "privacy_notice_sha256")), "signature", own,
                                                 "withdraw_key_sha256", KEY_SHA256));
  const ReceiptFacts facts = {
      .session = "s", .participant = "ana", .disclosure = disclosure, .withdraw_key_sha256 = KEY_SHA256, .participant_signature = own};
  json_t *receipt = receipt_new(fixture->vault, &facts, proof);
  g_assert_nonnull(receipt);
  return receipt;
}

static json_t *plain(Fixture *fixture, const char *type, const char *participant) {
  json_auto_t *proof = append(fixture, json_pack("{s:s, s:I, s:s}", "type", type, "request", (json_int_t)7, "participant", participant));
  return receipt_new(fixture->vault, &(ReceiptFacts){.session = "s", .participant = participant}, proof);
}

static gboolean holds(const json_t *receipt, const char *key) {
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(key, NULL);
  ReceiptChecks checks;
  receipt_check(receipt, verifier, &checks);
  json_decref(checks.checks);
  return checks.holds;
}

static gboolean check_holds(const json_t *receipt, const char *key, const char *name) {
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(key, NULL);
  ReceiptChecks checks;
  receipt_check(receipt, verifier, &checks);
  gboolean found = FALSE, held = TRUE;
  for (gsize i = 0; i < json_array_size(checks.checks); i++) {
    const json_t *check = json_array_get(checks.checks, i);
    if (g_strcmp0(json_string_value(json_object_get(check, "check")), name) != 0)
      continue;
    found = TRUE;
    held = held && json_is_true(json_object_get(check, "holds"));
  }
  json_decref(checks.checks);
  g_assert_true(found);
  return held;
}

static void test_holds(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree char *dir = g_strdup(fixture->dir);
  const char *key = vault_verifier_text(fixture->vault);
  static const char *const TYPES[] = {"decline", "offer", "withdraw"};
  json_auto_t *granted = grant(fixture);
  g_assert_true(holds(granted, key));
  g_assert_cmpstr(receipt_key(granted), ==, key);
  g_assert_null(json_object_get(granted, "withdraw_key"));
  for (gsize i = 0; i < G_N_ELEMENTS(TYPES); i++) {
    json_auto_t *receipt = plain(fixture, TYPES[i], "ben");
    g_assert_true(holds(receipt, key));
  }
  json_auto_t *pause = append(fixture, json_pack("{s:s, s:s}", "type", "pause", "participant", "ana"));
  g_assert_null(receipt_new(fixture->vault, &(ReceiptFacts){.session = "s", .participant = "ana"}, pause));
  g_assert_null(receipt_new(fixture->vault, &(ReceiptFacts){.session = "s", .participant = "ana"}, NULL));
  fixture_free(fixture);
  fixture_remove(dir);
}

/* --- tampering: every value changed, every member taken away, one added to every object --- */

typedef struct Tampering {
  json_t *copy; /* of which some part is being changed */
  const char *key;
  guint changes;
} Tampering;

static void altered(Tampering *tampering, const char *what) {
  tampering->changes++;
  if (holds(tampering->copy, tampering->key))
    g_error("still holds with %s changed", what);
}

static json_t *other_value(const json_t *value) {
  if (json_is_integer(value))
    return json_integer(json_integer_value(value) + 1);
  g_autofree char *text = g_strconcat(json_is_string(value) ? json_string_value(value) : "", "x", NULL);
  return json_string(text);
}

static void tamper(Tampering *tampering, json_t *object) {
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  const char *name;
  json_t *member;
  json_object_foreach(object, name, member) g_ptr_array_add(names, g_strdup(name));
  for (guint i = 0; i < names->len; i++) {
    json_t *kept = json_incref(json_object_get(object, names->pdata[i]));
    json_object_set_new(object, names->pdata[i], other_value(kept));
    altered(tampering, names->pdata[i]);
    json_object_del(object, names->pdata[i]);
    altered(tampering, names->pdata[i]);
    json_object_set_new(object, names->pdata[i], kept);
    json_t *inner = json_is_array(kept) ? json_array_get(kept, 0) : kept;
    if (json_is_object(inner))
      tamper(tampering, inner);
  }
  json_object_set_new(object, "added", json_true());
  altered(tampering, "something added");
  json_object_del(object, "added");
}

static void test_tampered(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree char *dir = g_strdup(fixture->dir);
  json_auto_t *receipt = grant(fixture);
  json_auto_t *copy = json_deep_copy(receipt);
  Tampering tampering = {copy, vault_verifier_text(fixture->vault), 0};
  tamper(&tampering, copy);
  g_assert_true(json_equal(copy, receipt));
  g_assert_true(holds(copy, tampering.key));
  g_assert_cmpuint(tampering.changes, >, 60);
  json_object_set_new(copy, "withdraw_key", json_string("secret"));
  g_assert_false(check_holds(copy, tampering.key, "shown around"));
  fixture_free(fixture);
  fixture_remove(dir);
}

/* A receipt whose signature were forged would still have to fit the ledger's entry. */
static void test_each_check(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree char *dir = g_strdup(fixture->dir);
  static const char *const FIELDS[][2] = {{"session", "session"},
                                          {"pii_principal_id", "participant"},
                                          {"privacy_notice", "disclosure"},
                                          {"purpose", "disclosure"},
                                          {"retention_period", "disclosure"},
                                          {"privacy_notice_sha256", "text agreed to"},
                                          {"request", "request"},
                                          {"media", "request"},
                                          {"withdraw_key_sha256", "withdraw key"},
                                          {"participant_signature", "participant's signature"},
                                          {"media", "participant's key"},
                                          {"schema_version", "schema"}};
  const char *key = vault_verifier_text(fixture->vault);
  json_auto_t *receipt = grant(fixture);
  for (gsize i = 0; i < G_N_ELEMENTS(FIELDS); i++) {
    json_auto_t *copy = json_deep_copy(receipt);
    g_assert_true(check_holds(copy, key, FIELDS[i][1]));
    json_object_set_new(copy, FIELDS[i][0], other_value(json_object_get(copy, FIELDS[i][0])));
    g_assert_false(check_holds(copy, key, FIELDS[i][1]));
  }
  /* Another person's entry under one's own name: event, participant and withdraw key do not fit. */
  json_auto_t *declined = plain(fixture, "decline", "ben"), *mixed = json_deep_copy(receipt);
  json_object_set(mixed, "ledger", json_object_get(declined, "ledger"));
  static const char *const NAMES[] = {"signature", "event", "participant", "withdraw key", "request"};
  for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++)
    g_assert_false(check_holds(mixed, key, NAMES[i]));
  g_assert_true(check_holds(mixed, key, "proof"));
  fixture_free(fixture);
  fixture_remove(dir);
}

static void test_another_gate(void) {
  Fixture *ours = fixture_new(NULL), *theirs = fixture_new(NULL);
  g_autofree char *dir = g_strdup(ours->dir), *their_dir = g_strdup(theirs->dir);
  json_auto_t *receipt = grant(theirs);
  g_assert_true(holds(receipt, vault_verifier_text(theirs->vault)));
  g_assert_false(holds(receipt, vault_verifier_text(ours->vault)));
  json_object_set_new(json_object_get(receipt, "signature"), "key", json_string(vault_verifier_text(ours->vault)));
  g_assert_false(holds(receipt, vault_verifier_text(ours->vault)));
  g_assert_false(holds(receipt, vault_verifier_text(theirs->vault)));
  fixture_free(ours);
  fixture_free(theirs);
  fixture_remove(dir);
  fixture_remove(their_dir);
}

static void test_found(void) {
  static const struct {
    const char *text;
    gsize n;
  } FILES[] = {{"{\"schema_version\":\"a\"}", 1},
               {"[{\"receipt\":{\"schema_version\":\"a\"},\"withdraw_key\":\"k\"},{\"receipt\":{\"schema_version\":\"b\"}}]", 2},
               {"{\"withdraw_keys\":[],\"receipts\":[{\"schema_version\":\"a\"},{\"receipt\":{\"schema_version\":\"b\"}}]}", 2},
               {"{}", 0},
               {"[1,null,[\"x\"]]", 0},
               {"{\"receipts\":\"none\"}", 0},
               {"{\"receipt\":{\"receipt\":{\"receipt\":{\"receipt\":{\"receipt\":{\"receipt\":{\"schema_version\":\"a\"}}}}}}}", 0}};
  for (gsize i = 0; i < G_N_ELEMENTS(FILES); i++) {
    json_auto_t *file = json_loads(FILES[i].text, 0, NULL), *found = receipt_find_all(file);
    g_assert_cmpuint(json_array_size(found), ==, FILES[i].n);
  }
}

static void test_rubbish(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree char *dir = g_strdup(fixture->dir);
  static const char *const TEXTS[] = {"{}", "{\"signature\":7}",
                                      "{\"schema_version\":\"recgate-receipt-1\",\"ledger\":{\"leaf\":\"{}\",\"proof\":\"\"}}",
                                      "{\"events\":[null],\"ledger\":[],\"signature\":{\"alg\":\"Ed25519\",\"key\":\"\",\"value\":\"\"}}"};
  for (gsize i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
    json_auto_t *receipt = json_loads(TEXTS[i], 0, NULL);
    g_assert_false(holds(receipt, vault_verifier_text(fixture->vault)));
  }
  fixture_free(fixture);
  fixture_remove(dir);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/receipt/holds", test_holds);
  g_test_add_func("/signaling/receipt/tampered-in-every-field", test_tampered);
  g_test_add_func("/signaling/receipt/each-check-by-itself", test_each_check);
  g_test_add_func("/signaling/receipt/of-another-gate", test_another_gate);
  g_test_add_func("/signaling/receipt/found-in-files", test_found);
  g_test_add_func("/signaling/receipt/rubbish", test_rubbish);
  return g_test_run();
}
