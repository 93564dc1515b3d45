/* SPDX-License-Identifier: Apache-2.0 */
/* The leaves in which the people of a session answered, each with what opens its commitments and its proof of inclusion. */
#include <sodium.h>
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/proof.h"
#include "gate/vault/reader-private.h"

typedef struct Opened { /* a person's salt and what it makes of their id */
  char *participant, *salt;
  char commitment[COMMITMENT_TEXT_BYTES];
} Opened;

static void opened_free(gpointer user) {
  Opened *opened = user;
  g_free(opened->participant);
  g_free(opened->salt);
  g_free(opened);
}

/* The session itself comes first, with the participant "". */
static GPtrArray *open_people(VaultReader *reader, const char *session, GError **error) {
  g_autoptr(GPtrArray) people = g_ptr_array_new_with_free_func(opened_free);
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error, "SELECT participant, salt FROM salts WHERE session = ? ORDER BY participant", "s", session);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    const char *participant = store_text(row, 0);
    if (sqlite3_column_bytes(row, 1) != COMMITMENT_SALT_BYTES)
      continue;
    Opened *opened = g_new0(Opened, 1);
    opened->participant = g_strdup(participant);
    opened->salt = note_base64(sqlite3_column_blob(row, 1), COMMITMENT_SALT_BYTES);
    commitment_make(sqlite3_column_blob(row, 1), *participant ? "participant" : "session", *participant ? participant : session,
                    opened->commitment);
    g_ptr_array_add(people, opened);
  }
  return row && !failed ? g_steal_pointer(&people) : NULL;
}

static const Opened *find(const GPtrArray *people, const char *commitment) {
  for (guint i = 1; i < people->len; i++) {
    const Opened *opened = people->pdata[i];
    if (g_strcmp0(opened->commitment, commitment) == 0)
      return opened;
  }
  return NULL;
}

static gboolean add_answer(VaultReader *reader, const GPtrArray *people, guint64 index, const char *text, json_t *list) {
  static const char *const answers[] = {"grant", "decline", "withdraw", NULL};
  json_auto_t *leaf = json_loads(text, 0, NULL);
  const char *type = json_string_value(json_object_get(leaf, "type"));
  const Opened *session = people->pdata[0], *person = find(people, json_string_value(json_object_get(leaf, "participant")));
  if (!type || !g_strv_contains(answers, type) || !person)
    return TRUE;
  g_autofree char *proof = proof_file(reader->db, index, NULL);
  return proof &&
         json_array_append_new(list, json_pack("{s:s, s:s, s:O, s:I, s:s, s:{s:s, s:s}, s:s}", "type", type, "participant",
                                               person->participant, "at", json_object_get(leaf, "at"), "index", (json_int_t)index, "leaf",
                                               text, "salts", "session", session->salt, "participant", person->salt, "proof", proof)) == 0;
}

json_t *vault_reader_answers(VaultReader *reader, const char *session, GError **error) {
  g_autoptr(GPtrArray) people = open_people(reader, session, error);
  if (!people)
    return NULL;
  json_t *list = json_array();
  const Opened *whole = people->len > 0 ? people->pdata[0] : NULL;
  if (!whole || *whole->participant)
    return list;
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error, "SELECT idx, leaf FROM leaves WHERE instr(leaf, ?) ORDER BY idx", "s", whole->commitment);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error))
    failed = !add_answer(reader, people, (guint64)sqlite3_column_int64(row, 0), store_text(row, 1), list);
  if (row && !failed)
    return list;
  json_decref(list);
  if (error && !*error)
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the ledger gives no proof of a leaf");
  return NULL;
}
