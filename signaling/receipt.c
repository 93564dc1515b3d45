/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/receipt.h"

#include <sodium.h>
#include <string.h>

#include "gate/ledger/note.h"

#define WITHDRAW_KEY_BYTES 32

static const char WITHDRAWING[] =
    "At any time, without a reason: the Withdraw button during the call; after it the page /withdraw of this gate, or POST /v1/withdraw, "
    "with "
    "the withdraw_key that came beside this receipt or with a token of the same person. This receipt itself withdraws nothing.";

const char *receipt_event_state(const char *leaf_type) {
  static const struct {
    const char *type, *state;
  } EVENTS[] = {{"grant", "granted"}, {"decline", "declined"}, {"offer", "offered"}, {"withdraw", "withdrawn"}};
  for (gsize i = 0; i < G_N_ELEMENTS(EVENTS); i++)
    if (g_strcmp0(leaf_type, EVENTS[i].type) == 0)
      return EVENTS[i].state;
  return NULL;
}

char *receipt_time(gint64 wall_ms) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(wall_ms / 1000);
  g_autofree char *seconds = at != NULL ? g_date_time_format(at, "%Y-%m-%dT%H:%M:%S") : g_strdup("");
  return g_strdup_printf("%s.%03dZ", seconds, (int)(wall_ms % 1000));
}

char *receipt_missing_text(const GError *why) {
  return g_strdup_printf("There is no receipt: this could not be written to the ledger (%s).",
                         why != NULL ? why->message : "it gave no proof");
}

char *receipt_hex(const guint8 sha256[32]) {
  char *hex = g_malloc(65);
  sodium_bin2hex(hex, 65, sha256, 32);
  return hex;
}

static void describe_notice(json_t *receipt, const json_t *disclosure) {
  g_autofree char *text = ledger_canonical_json(disclosure, NULL);
  if (text == NULL)
    return;
  guint8 hash[32];
  crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
  g_autofree char *hex = receipt_hex(hash);
  json_object_set_new(receipt, "privacy_notice", json_string(text));
  json_object_set_new(receipt, "privacy_notice_sha256", json_string(hex));
}

void receipt_describe(json_t *receipt, const json_t *disclosure) {
  static const char *const REPEATED[][2] = {
      {"purpose", "purpose"}, {"purpose_text", "purpose_text"}, {"language", "language"}, {"recipient_third_parties", "third_parties"}};
  describe_notice(receipt, disclosure);
  for (gsize i = 0; i < G_N_ELEMENTS(REPEATED); i++)
    if (json_object_get(disclosure, REPEATED[i][1]) != NULL)
      json_object_set(receipt, REPEATED[i][0], json_object_get(disclosure, REPEATED[i][1]));
  json_object_set_new(
      receipt, "pii_controllers",
      json_pack("[{s:O*, s:O*}]", "name", json_object_get(disclosure, "controller"), "contact", json_object_get(disclosure, "contact")));
  json_object_set_new(receipt, "storage_locations", json_pack("[O*]", json_object_get(disclosure, "storage")));
  json_object_set_new(receipt, "retention_period", /* ISO 8601 */
                      json_sprintf("PT%lldS", (long long)json_integer_value(json_object_get(disclosure, "retention_s"))));
}

static json_t *event_json(const json_t *leaf) {
  g_autofree char *at = receipt_time(json_integer_value(json_object_get(leaf, "at")));
  return json_pack("[{s:s, s:s, s:s}]", "event_time", at, "event_type", "consent", "event_state",
                   receipt_event_state(json_string_value(json_object_get(leaf, "type"))));
}

static void sign(const Vault *vault, json_t *receipt) {
  guint8 signature[NOTE_SIGNATURE_BYTES];
  g_autofree char *text = ledger_canonical_json(receipt, NULL);
  if (text == NULL)
    return;
  vault_sign(vault, text, strlen(text), signature);
  g_autofree char *value = note_base64(signature, sizeof signature);
  json_object_set_new(receipt, "signature",
                      json_pack("{s:s, s:s, s:s}", "alg", "Ed25519", "key", vault_verifier_text(vault), "value", value));
}

static void add_leaf_part(json_t *receipt, const json_t *leaf) {
  const json_int_t request = json_integer_value(json_object_get(leaf, "request"));
  json_object_set_new(receipt, "events", event_json(leaf));
  if (request > 0)
    json_object_set_new(receipt, "request", json_sprintf("%lld", (long long)request));
  static const char *const SAID[] = {"media", "scope", "legs_checked"};
  for (gsize i = 0; i < G_N_ELEMENTS(SAID); i++)
    if (json_object_get(leaf, SAID[i]) != NULL)
      json_object_set(receipt, SAID[i], json_object_get(leaf, SAID[i]));
}

json_t *receipt_new(const Vault *vault, const ReceiptFacts *facts, const json_t *proof) {
  json_auto_t *leaf = json_loads(proof != NULL ? json_string_value(json_object_get(proof, "leaf")) : "", 0, NULL);
  if (leaf == NULL || receipt_event_state(json_string_value(json_object_get(leaf, "type"))) == NULL)
    return NULL;
  g_autofree char *uuid = g_uuid_string_random();
  json_t *receipt = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "schema_version", RECEIPT_SCHEMA, "record_id", uuid, "session",
                              facts->session, "pii_principal_id", facts->participant, "withdrawal_method", WITHDRAWING, "ledger", proof);
  add_leaf_part(receipt, leaf);
  if (facts->disclosure != NULL)
    receipt_describe(receipt, facts->disclosure);
  if (facts->withdraw_key_sha256 != NULL)
    json_object_set_new(receipt, "withdraw_key_sha256", json_string(facts->withdraw_key_sha256));
  if (facts->participant_signature != NULL)
    json_object_set(receipt, "participant_signature", (json_t *)facts->participant_signature);
  if (facts->erased != NULL)
    json_object_set(receipt, "erased", (json_t *)facts->erased);
  sign(vault, receipt);
  return receipt;
}

void receipt_withdraw_key_hash(const char *key, guint8 sha256[32]) {
  crypto_hash_sha256(sha256, (const unsigned char *)key, strlen(key));
}

char *receipt_withdraw_key_new(guint8 sha256[32]) {
  guint8 random[WITHDRAW_KEY_BYTES];
  randombytes_buf(random, sizeof random);
  const gsize room = sodium_base64_ENCODED_LEN(WITHDRAW_KEY_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  char *key = g_malloc(room);
  sodium_bin2base64(key, room, random, sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  receipt_withdraw_key_hash(key, sha256);
  return key;
}
