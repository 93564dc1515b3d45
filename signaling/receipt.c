/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/receipt.h"

#include <sodium.h>
#include <string.h>

#define WITHDRAW_KEY_BYTES 32

json_t *receipt_new(const ReceiptFacts *facts) {
  g_autofree char *at = daemon_rfc3339(daemon_wall_ms());
  g_autofree char *uuid = g_uuid_string_random();
  json_t *receipt = json_pack("{s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:s}]}", "schema_version", "recgate-1", "record_id", uuid,
                              "pii_principal_id", facts->participant, "session", facts->session, "events", "event_time", at, "event_type",
                              "consent", "event_state", facts->event);
  if (facts->request != NULL) {
    json_object_set_new(receipt, "request", json_sprintf("%" G_GUINT64_FORMAT, facts->request->number));
    json_object_set_new(receipt, "privacy_notice_sha256", json_string(facts->request->sha256));
    json_object_set(receipt, "purpose", json_object_get(facts->request->disclosure, "purpose"));
    json_object_set(receipt, "language", json_object_get(facts->request->disclosure, "language"));
    json_object_set_new(receipt, "pii_controllers", json_pack("[O]", json_object_get(facts->request->disclosure, "controller")));
    json_object_set(receipt, "retention_period", json_object_get(facts->request->disclosure, "retention_s"));
  }
  if (facts->leaf_index >= 0)
    json_object_set_new(receipt, "ledger", json_pack("{s:I, s:s}", "index", (json_int_t)facts->leaf_index, "leaf_hash", facts->leaf_hash));
  if (facts->withdraw_key_sha256 != NULL)
    json_object_set_new(receipt, "withdraw_key_sha256", json_string(facts->withdraw_key_sha256));
  return receipt;
}

char *receipt_hex(const guint8 sha256[32]) {
  char *hex = g_malloc(65);
  sodium_bin2hex(hex, 65, sha256, 32);
  return hex;
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
