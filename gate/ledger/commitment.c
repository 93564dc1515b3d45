/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/commitment.h"

#include <sodium.h>
#include <string.h>

#include "gate/ledger/ledger-private.h"

#define DEPTH_MAX 8 /* a purge's ranges lie four deep */

typedef enum Owner { /* whose salt, and so whose erasure, a field belongs to */
                     OWNER_SESSION,
                     OWNER_SELF,   /* the person that the field's own text names */
                     OWNER_PERSON, /* the `participant` beside it, else of the leaf */
                     OWNER_STAFF,  /* an auditor or another of the gate's own people, named by the text */
} Owner;

/* What may name or describe a person. Everything else in a leaf is a number, a word of ours, or a hash of ciphertext. */
static const struct {
  const char *field, *kind;
  Owner owner;
} personal[] = {
    {"session", "session", OWNER_SESSION},
    {"participant", "participant", OWNER_SELF},
    {"asker", "participant", OWNER_SELF},
    {"roster", "participant", OWNER_SELF}, /* a list */
    {"name", "name", OWNER_PERSON},
    {"text", "text", OWNER_PERSON},
    {"signature", "signature", OWNER_PERSON}, /* an object: its canonical text */
    {"withdraw_key_sha256", "withdraw_key_sha256", OWNER_PERSON},
    {"disclosure_sha256", "disclosure_sha256", OWNER_SESSION},
    {"consent_set", "consent_set", OWNER_SESSION},
    {"by", "by", OWNER_STAFF},
};

typedef struct Sealing {
  sqlite3 *db;
  const char *session, *participant; /* of the leaf, in clear; NULL: none */
  GError **error;
} Sealing;

void commitment_make(const guint8 salt[COMMITMENT_SALT_BYTES], const char *kind, const char *text, char commitment[COMMITMENT_TEXT_BYTES]) {
  static const char purpose[] = "recgate commitment 1\n";
  guint8 digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, (const guint8 *)purpose, sizeof purpose - 1);
  crypto_hash_sha256_update(&state, salt, COMMITMENT_SALT_BYTES);
  crypto_hash_sha256_update(&state, (const guint8 *)kind, strlen(kind));
  crypto_hash_sha256_update(&state, (const guint8 *)"\n", 1);
  crypto_hash_sha256_update(&state, (const guint8 *)text, strlen(text));
  crypto_hash_sha256_final(&state, digest);
  sodium_bin2base64(commitment, COMMITMENT_TEXT_BYTES, digest, sizeof digest, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static sqlite3_stmt *of_person(sqlite3 *db, const char *sql, const char *session, const char *participant, GError **error) {
  sqlite3_stmt *statement = ledger_query(db, error, sql, 0, NULL);
  if (statement) {
    sqlite3_bind_text(statement, 1, session, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, participant, -1, SQLITE_TRANSIENT);
  }
  return statement;
}

gboolean commitment_salt(sqlite3 *db, const char *session, const char *participant, guint8 salt[COMMITMENT_SALT_BYTES], gboolean *found,
                         GError **error) {
  *found = FALSE;
  g_autoptr(sqlite3_stmt) row = of_person(db, "SELECT salt FROM salts WHERE session = ? AND participant = ?", session, participant, error);
  if (!row)
    return FALSE;
  const int status = sqlite3_step(row);
  if (status == SQLITE_DONE)
    return FALSE;
  if (status != SQLITE_ROW || sqlite3_column_bytes(row, 0) != COMMITMENT_SALT_BYTES)
    return ledger_store_failed(db, error);
  memcpy(salt, sqlite3_column_blob(row, 0), COMMITMENT_SALT_BYTES);
  *found = TRUE;
  return TRUE;
}

static gboolean salt_make(sqlite3 *db, const char *session, const char *participant, guint8 salt[COMMITMENT_SALT_BYTES], GError **error) {
  gboolean found;
  g_autoptr(GError) why = NULL;
  if (commitment_salt(db, session, participant, salt, &found, &why))
    return TRUE;
  if (why) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  randombytes_buf(salt, COMMITMENT_SALT_BYTES);
  g_autoptr(sqlite3_stmt) insert =
      of_person(db, "INSERT INTO salts(session, participant, salt) VALUES(?, ?, ?)", session, participant, error);
  if (!insert)
    return FALSE;
  sqlite3_bind_blob(insert, 3, salt, COMMITMENT_SALT_BYTES, SQLITE_STATIC);
  return sqlite3_step(insert) == SQLITE_DONE || ledger_store_failed(db, error);
}

static json_t *commit_text(const Sealing *sealing, const char *kind, Owner owner, const char *text, const char *beside) {
  const char *session = sealing->session ? sealing->session : "";
  const char *person = "";
  switch (owner) {
  case OWNER_SESSION:
    break;
  case OWNER_SELF:
    person = text;
    break;
  case OWNER_PERSON:
    person = beside ? beside : "";
    break;
  case OWNER_STAFF:
    session = "";
    person = text;
    break;
  }
  guint8 salt[COMMITMENT_SALT_BYTES];
  char commitment[COMMITMENT_TEXT_BYTES];
  if (!salt_make(sealing->db, session, person, salt, sealing->error))
    return NULL;
  commitment_make(salt, kind, text, commitment);
  return json_string(commitment);
}

static json_t *commit_list(const Sealing *sealing, guint row, const json_t *list) {
  json_t *sealed = json_array();
  for (gsize i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    json_t *one = commit_text(sealing, personal[row].kind, personal[row].owner, text ? text : "", NULL);
    if (!one || json_array_append_new(sealed, one) != 0) {
      json_decref(sealed);
      return NULL;
    }
  }
  return sealed;
}

static json_t *commit_field(const Sealing *sealing, guint row, const json_t *value, const char *beside) {
  if (json_is_null(value))
    return json_null();
  if (json_is_array(value))
    return commit_list(sealing, row, value);
  if (json_is_string(value))
    return commit_text(sealing, personal[row].kind, personal[row].owner, json_string_value(value), beside);
  g_autofree char *text = ledger_canonical_json(value, sealing->error);
  return text ? commit_text(sealing, personal[row].kind, personal[row].owner, text, beside) : NULL;
}

static json_t *seal_value(const Sealing *sealing, const json_t *value, guint depth);

static json_t *seal_field(const Sealing *sealing, const char *name, const json_t *value, const char *beside, guint depth) {
  for (guint row = 0; row < G_N_ELEMENTS(personal); row++)
    if (strcmp(personal[row].field, name) == 0)
      return commit_field(sealing, row, value, beside);
  return seal_value(sealing, value, depth + 1);
}

static json_t *seal_object(const Sealing *sealing, const json_t *object, guint depth) {
  const char *beside = json_string_value(json_object_get(object, "participant"));
  json_t *sealed = json_object();
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) {
    json_t *one = seal_field(sealing, name, value, beside ? beside : sealing->participant, depth);
    if (!one || json_object_set_new(sealed, name, one) != 0) {
      json_decref(sealed);
      return NULL;
    }
  }
  return sealed;
}

static json_t *seal_array(const Sealing *sealing, const json_t *array, guint depth) {
  json_t *sealed = json_array();
  for (gsize i = 0; i < json_array_size(array); i++) {
    json_t *one = seal_value(sealing, json_array_get(array, i), depth + 1);
    if (!one || json_array_append_new(sealed, one) != 0) {
      json_decref(sealed);
      return NULL;
    }
  }
  return sealed;
}

static json_t *seal_value(const Sealing *sealing, const json_t *value, guint depth) {
  if (depth > DEPTH_MAX) {
    g_set_error_literal(sealing->error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL, "a leaf nested too deep");
    return NULL;
  }
  if (json_is_object(value))
    return seal_object(sealing, value, depth);
  if (json_is_array(value))
    return seal_array(sealing, value, depth);
  return json_incref((json_t *)value);
}

json_t *commitment_seal(sqlite3 *db, const json_t *leaf, GError **error) {
  const Sealing sealing = {db, json_string_value(json_object_get(leaf, "session")), json_string_value(json_object_get(leaf, "participant")),
                           error};
  return seal_value(&sealing, leaf, 0);
}

gboolean commitment_forget(sqlite3 *db, const char *session, const char *participant, GError **error) {
  g_autoptr(sqlite3_stmt) gone = of_person(
      db, participant ? "DELETE FROM salts WHERE session = ?1 AND participant = ?2" : "DELETE FROM salts WHERE session = ?1 AND ?2 IS NULL",
      session, participant, error);
  if (!gone)
    return FALSE;
  return sqlite3_step(gone) == SQLITE_DONE || ledger_store_failed(db, error);
}
