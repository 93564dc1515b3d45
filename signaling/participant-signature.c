/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/participant-signature.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <string.h>

#include "gate/ledger/note.h"

G_DEFINE_QUARK(participant - signature - error, participant_signature_error)

#define SIGNATURE_BYTES        64 /* both algorithms */
#define COORDINATE_BYTES       32
#define FINGERPRINT_TEXT_CHARS (8 + 32 * 3 - 1)

static gboolean bad(const char *why, GError **error) {
  g_set_error_literal(error, PARTICIPANT_SIGNATURE_ERROR, 0, why);
  return FALSE;
}

/* One field of a JWK: base64url without padding of exactly 32 bytes. */
static gboolean coordinate(const json_t *jwk, const char *name, guint8 bytes[COORDINATE_BYTES]) {
  const char *text = json_string_value(json_object_get(jwk, name));
  gsize n = 0;
  return text != NULL &&
         sodium_base642bin(bytes, COORDINATE_BYTES, text, strlen(text), NULL, &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
         n == COORDINATE_BYTES;
}

static gboolean jwk_is(const json_t *jwk, const char *type, const char *curve) {
  return g_strcmp0(json_string_value(json_object_get(jwk, "kty")), type) == 0 &&
         g_strcmp0(json_string_value(json_object_get(jwk, "crv")), curve) == 0;
}

static EVP_PKEY *p256_key(const json_t *jwk) {
  guint8 point[1 + 2 * COORDINATE_BYTES] = {0x04}; /* uncompressed */
  EVP_PKEY *key = NULL;
  if (!jwk_is(jwk, "EC", "P-256") || !coordinate(jwk, "x", point + 1) || !coordinate(jwk, "y", point + 1 + COORDINATE_BYTES))
    return NULL;
  char group[] = "prime256v1";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                             OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point), OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    key = NULL;
  EVP_PKEY_CTX_free(context);
  return key;
}

static gboolean es256_holds(const json_t *jwk, const char *text, const guint8 value[SIGNATURE_BYTES]) {
  EVP_PKEY *key = p256_key(jwk);
  ECDSA_SIG *pair = ECDSA_SIG_new();
  guint8 *der = NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  BIGNUM *r = BN_bin2bn(value, COORDINATE_BYTES, NULL), *s = BN_bin2bn(value + COORDINATE_BYTES, COORDINATE_BYTES, NULL);
  const gboolean placed = pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1;
  const int n = placed ? i2d_ECDSA_SIG(pair, &der) : 0;
  const gboolean holds = key != NULL && n > 0 && context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                         EVP_DigestVerify(context, der, (gsize)n, (const guint8 *)text, strlen(text)) == 1;
  if (!placed) {
    BN_free(r);
    BN_free(s);
  }
  OPENSSL_free(der);
  ECDSA_SIG_free(pair);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  ERR_clear_error();
  return holds;
}

static gboolean ed25519_holds(const json_t *jwk, const char *text, const guint8 value[SIGNATURE_BYTES]) {
  guint8 key[COORDINATE_BYTES];
  return jwk_is(jwk, "OKP", "Ed25519") && coordinate(jwk, "x", key) &&
         crypto_sign_verify_detached(value, (const guint8 *)text, strlen(text), key) == 0;
}

static gboolean fingerprints_shaped(const json_t *list) {
  if (!json_is_array(list) || json_array_size(list) > PARTICIPANT_FINGERPRINTS_MAX)
    return FALSE;
  for (gsize i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (text == NULL || !g_str_has_prefix(text, "sha-256 ") || strlen(text) != FINGERPRINT_TEXT_CHARS)
      return FALSE;
  }
  return TRUE;
}

/* Of the key what is signed with, and nothing that a client may have put beside it. */
static json_t *own_fields(const json_t *signature, const char *algorithm) {
  const json_t *jwk = json_object_get(signature, "public_key");
  const json_t *y = jwk_is(jwk, "EC", "P-256") ? json_object_get(jwk, "y") : NULL;
  return json_pack("{s:s, s:{s:O, s:O, s:O, s:O*}, s:O, s:O}", "alg", algorithm, "public_key", "kty", json_object_get(jwk, "kty"), "crv",
                   json_object_get(jwk, "crv"), "x", json_object_get(jwk, "x"), "y", y, "value", json_object_get(signature, "value"),
                   "fingerprints", json_object_get(signature, "fingerprints"));
}

json_t *participant_signature_open(const json_t *signature, const GrantStatement *statement, GError **error) {
  static const struct {
    const char *name;
    gboolean (*holds)(const json_t *jwk, const char *text, const guint8 value[SIGNATURE_BYTES]);
  } ALGORITHMS[] = {{"ES256", es256_holds}, {"Ed25519", ed25519_holds}};
  const char *algorithm = json_string_value(json_object_get(signature, "alg"));
  const char *value_text = json_string_value(json_object_get(signature, "value"));
  const json_t *fingerprints = json_object_get(signature, "fingerprints");
  guint8 value[SIGNATURE_BYTES];
  if (!fingerprints_shaped(fingerprints) || value_text == NULL || !note_base64_open(value_text, strlen(value_text), value, sizeof value)) {
    bad("“signature” needs alg, public_key, value (base64, 64 bytes) and fingerprints.", error);
    return NULL;
  }
  json_auto_t *said = json_pack("{s:s, s:s, s:O, s:s, s:s, s:s, s:s}", "decision", "grant", "disclosure_sha256",
                                statement->disclosure_sha256, "fingerprints", fingerprints, "media", statement->media, "participant",
                                statement->participant, "request", statement->request, "session", statement->session);
  g_autofree char *text = said != NULL ? ledger_canonical_json(said, NULL) : NULL;
  for (gsize i = 0; text != NULL && i < G_N_ELEMENTS(ALGORITHMS); i++)
    if (g_strcmp0(algorithm, ALGORITHMS[i].name) == 0 && ALGORITHMS[i].holds(json_object_get(signature, "public_key"), text, value))
      return own_fields(signature, algorithm);
  bad("The signature is not one of this answer.", error);
  return NULL;
}
