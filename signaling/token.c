/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: the header's algorithm is compared with the key's before libjwt sees the token, so that a token never chooses how it is checked. */
#include "signaling/token.h"

#include <errno.h>
#include <jwt.h>
#include <string.h>

#include "signaling/json.h"

G_DEFINE_QUARK(recgate - token - error, token_error)

#define TOKEN_BYTES_MAX          8192 /* a link holds one; no claim of ours is long */
#define TOKEN_KEY_FILE_BYTES_MAX 65536
#define TOKEN_SKEW_S             30 /* of the issuer's clock, for nbf and iat; exp is the issuer's promise and gets none */
#define TOKEN_AUDIENCE           "recgate"

struct TokenKey {
  jwt_alg_t alg;
  char *bytes; /* NUL behind n for PEM */
  gsize n;
};

static const char *const role_names[] = {
    [TOKEN_ROLE_NONE] = "none",         [TOKEN_ROLE_EXPERT] = "expert",   [TOKEN_ROLE_CLIENT] = "client",
    [TOKEN_ROLE_OBSERVER] = "observer", [TOKEN_ROLE_AUDITOR] = "auditor", [TOKEN_ROLE_SERVICE] = "service",
};

const char *token_role_text(TokenRole role) {
  return (guint)role < G_N_ELEMENTS(role_names) ? role_names[role] : "none";
}

TokenRole token_role_parse(const char *text) {
  for (guint i = TOKEN_ROLE_EXPERT; text && i < G_N_ELEMENTS(role_names); i++)
    if (strcmp(text, role_names[i]) == 0)
      return (TokenRole)i;
  return TOKEN_ROLE_NONE;
}

gboolean token_id_is_valid(const char *id) {
  gsize n = id ? strlen(id) : 0;
  if (n < 1 || n > TOKEN_ID_BYTES_MAX || id[0] == '.')
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum(id[i]) && !strchr("._-", id[i]))
      return FALSE;
  return TRUE;
}

static TokenKey *key_load(const char *file, jwt_alg_t alg, GError **error) {
  g_autofree char *bytes = NULL;
  gsize n = 0;
  if (!g_file_get_contents(file, &bytes, &n, error)) {
    g_prefix_error(error, "key file: ");
    return NULL;
  }
  if (n > TOKEN_KEY_FILE_BYTES_MAX) {
    g_set_error(error, TOKEN_ERROR, TOKEN_ERROR_KEY, "key file %s is larger than %d bytes", file, TOKEN_KEY_FILE_BYTES_MAX);
    return NULL;
  }
  TokenKey *key = g_new0(TokenKey, 1);
  key->alg = alg;
  key->n = n;
  key->bytes = g_steal_pointer(&bytes);
  return key;
}

TokenKey *token_key_secret(const char *file, GError **error) {
  g_autoptr(TokenKey) key = key_load(file, JWT_ALG_HS256, error);
  if (!key)
    return NULL;
  if (key->n > 0 && key->bytes[key->n - 1] == '\n')
    key->bytes[--key->n] = '\0';
  if (key->n < TOKEN_SECRET_BYTES_MIN) {
    g_set_error(error, TOKEN_ERROR, TOKEN_ERROR_KEY, "secret file %s has %" G_GSIZE_FORMAT " bytes, at least %d are needed", file, key->n,
                TOKEN_SECRET_BYTES_MIN);
    return NULL;
  }
  return g_steal_pointer(&key);
}

TokenKey *token_key_public(const char *pem_file, GError **error) {
  g_autoptr(TokenKey) key = key_load(pem_file, JWT_ALG_ES256, error);
  if (!key)
    return NULL;
  if (!strstr(key->bytes, "-----BEGIN PUBLIC KEY-----")) {
    g_set_error(error, TOKEN_ERROR, TOKEN_ERROR_KEY, "%s is not a PEM public key (-----BEGIN PUBLIC KEY-----)", pem_file);
    return NULL;
  }
  return g_steal_pointer(&key);
}

void token_key_free(TokenKey *key) {
  if (!key)
    return;
  explicit_bzero(key->bytes, key->n);
  g_free(key->bytes);
  g_free(key);
}

static gboolean refuse(GError **error, TokenError code, const char *message) {
  g_set_error_literal(error, TOKEN_ERROR, code, message);
  return FALSE;
}

/* RFC 7515 section 2: base64url without padding. NULL: not that. */
static json_t *segment_json(const char *text, gsize n) {
  if (n == 0 || n % 4 == 1)
    return NULL;
  g_autoptr(GString) base64 = g_string_sized_new(n + 4);
  for (gsize i = 0; i < n; i++) {
    if (!g_ascii_isalnum(text[i]) && text[i] != '-' && text[i] != '_')
      return NULL;
    g_string_append_c(base64, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
  }
  while (base64->len % 4)
    g_string_append_c(base64, '=');
  gsize n_bytes = 0;
  g_autofree guchar *bytes = g_base64_decode(base64->str, &n_bytes);
  return json_text_parse((const char *)bytes, n_bytes, NULL);
}

/* RFC 7519 section 2, NumericDate: a fraction is allowed. FALSE: missing or nonsense. */
static gboolean claim_time(const json_t *claims, const char *name, gint64 *seconds) {
  const json_t *value = json_object_get(claims, name);
  double number = json_number_value(value);
  if (!json_is_number(value) || !(number >= 0 && number < 253402300800.0)) /* the year 10000 */
    return FALSE;
  *seconds = (gint64)number;
  return TRUE;
}

static gboolean claims_for_us(const json_t *claims) {
  const json_t *audience = json_object_get(claims, "aud"), *one;
  if (json_is_string(audience))
    return g_strcmp0(json_string_value(audience), TOKEN_AUDIENCE) == 0;
  size_t i;
  json_array_foreach(audience, i, one) if (g_strcmp0(json_string_value(one), TOKEN_AUDIENCE) == 0) return TRUE;
  return FALSE;
}

static gboolean claims_in_time(const json_t *claims, gint64 now_s, gint64 *expires_s, GError **error) {
  gint64 expires = 0, begins = 0;
  if (!claim_time(claims, "exp", &expires))
    return refuse(error, TOKEN_ERROR_CLAIMS, "the token has no valid exp");
  if (now_s >= expires)
    return refuse(error, TOKEN_ERROR_EXPIRED, "the token has expired");
  static const char *const starts[] = {"nbf", "iat"};
  for (guint i = 0; i < G_N_ELEMENTS(starts); i++) {
    if (!json_object_get(claims, starts[i]))
      continue;
    if (!claim_time(claims, starts[i], &begins))
      return refuse(error, TOKEN_ERROR_CLAIMS, "the token has no valid nbf or iat");
    if (begins > now_s + TOKEN_SKEW_S)
      return refuse(error, TOKEN_ERROR_EXPIRED, "the token is not valid yet");
  }
  *expires_s = expires;
  return TRUE;
}

/* Controls, line separators and bidirectional overrides could forge log lines or what others see (fault 38). */
static gboolean is_harmful(gunichar c) {
  return g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 || c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c & 0xfffe) == 0xfffe;
}

static void name_clean(const char *name, char out[TOKEN_NAME_BYTES_MAX + 1]) {
  g_autofree char *trimmed = g_strstrip(g_strdup(name));
  gsize n = 0;
  for (const char *p = trimmed; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    char one[6];
    gsize n_one = (gsize)g_unichar_to_utf8(is_harmful(c) ? 0xfffd : c, one);
    if (n + n_one > TOKEN_NAME_BYTES_MAX)
      break;
    memcpy(out + n, one, n_one);
    n += n_one;
  }
  out[n] = '\0';
}

static gboolean claims_read(const json_t *claims, Token *token, GError **error) {
  const char *session = json_text_member(claims, "sid"), *participant = json_text_member(claims, "sub");
  if (!token_id_is_valid(session) || !token_id_is_valid(participant))
    return refuse(error, TOKEN_ERROR_CLAIMS, "the token's sid or sub is missing or not 1 to 64 of A-Z a-z 0-9 . _ -");
  token->role = token_role_parse(json_text_member(claims, "role"));
  if (token->role == TOKEN_ROLE_NONE)
    return refuse(error, TOKEN_ERROR_CLAIMS, "the token's role is unknown");
  /* What is not plainly false keeps the gate closed (R4, zero means no). */
  const json_t *cannot = json_object_get(claims, "cannot_consent");
  token->cannot_consent = cannot && !json_is_false(cannot);
  g_strlcpy(token->session, session, sizeof token->session);
  g_strlcpy(token->participant, participant, sizeof token->participant);
  const char *name = json_text_member(claims, "name");
  if (name)
    name_clean(name, token->name);
  if (!token->name[0])
    g_strlcpy(token->name, participant, sizeof token->name);
  return TRUE;
}

/* RFC 8725 section 3.1: the header must name exactly the key's algorithm; extensions marked critical are not understood. */
static gboolean header_fits(const TokenKey *key, const json_t *header) {
  return g_strcmp0(json_text_member(header, "alg"), jwt_alg_str(key->alg)) == 0 && !json_object_get(header, "crit");
}

static gboolean signature_holds(const TokenKey *key, const char *jwt) {
  jwt_t *decoded = NULL;
  int failed = jwt_decode(&decoded, jwt, (const unsigned char *)key->bytes, (int)key->n);
  gboolean holds = failed == 0 && decoded && jwt_get_alg(decoded) == key->alg;
  jwt_free(decoded);
  return holds;
}

gboolean token_verify(const TokenKey *key, const char *jwt, gint64 now_s, Token *token, GError **error) {
  gsize n = jwt ? strnlen(jwt, TOKEN_BYTES_MAX + 1) : 0;
  const char *first = n && n <= TOKEN_BYTES_MAX ? strchr(jwt, '.') : NULL, *second = first ? strchr(first + 1, '.') : NULL;
  if (!second || !second[1] || strchr(second + 1, '.'))
    return refuse(error, TOKEN_ERROR_INVALID, "this is not a token");
  json_auto_t *header = segment_json(jwt, (gsize)(first - jwt)), *claims = segment_json(first + 1, (gsize)(second - first - 1));
  if (!header || !claims)
    return refuse(error, TOKEN_ERROR_INVALID, "this is not a token");
  if (!header_fits(key, header))
    return refuse(error, TOKEN_ERROR_INVALID, "the token is not signed with the configured algorithm");
  if (!signature_holds(key, jwt))
    return refuse(error, TOKEN_ERROR_INVALID, "the token's signature does not hold");
  Token read = {0};
  if (!claims_for_us(claims))
    return refuse(error, TOKEN_ERROR_AUDIENCE, "the token is not meant for recgate (aud)");
  if (!claims_in_time(claims, now_s, &read.expires_s, error) || !claims_read(claims, &read, error))
    return FALSE;
  *token = read;
  return TRUE;
}

static int grants_add(jwt_t *jwt, const Token *token, gint64 now_s, gint64 ttl_s) {
  return jwt_add_grant(jwt, "aud", TOKEN_AUDIENCE) || jwt_add_grant(jwt, "sid", token->session) ||
         jwt_add_grant(jwt, "sub", token->participant) || jwt_add_grant(jwt, "role", token_role_text(token->role)) ||
         (token->name[0] && jwt_add_grant(jwt, "name", token->name)) || jwt_add_grant_int(jwt, "iat", (long)now_s) ||
         jwt_add_grant_int(jwt, "exp", (long)(now_s + ttl_s)) || (token->cannot_consent && jwt_add_grant_bool(jwt, "cannot_consent", 1));
}

char *token_make(const TokenKey *key, const Token *token, gint64 now_s, gint64 ttl_s, GError **error) {
  if (key->alg != JWT_ALG_HS256) {
    refuse(error, TOKEN_ERROR_KEY, "a public key cannot make tokens");
    return NULL;
  }
  if (!token_id_is_valid(token->session) || !token_id_is_valid(token->participant) || token->role == TOKEN_ROLE_NONE || ttl_s <= 0 ||
      !g_utf8_validate(token->name, -1, NULL)) {
    refuse(error, TOKEN_ERROR_CLAIMS, "a token needs a valid session, participant, role, name and ttl");
    return NULL;
  }
  jwt_t *jwt = NULL;
  char *text = NULL, *copy = NULL;
  if (jwt_new(&jwt) == 0 && grants_add(jwt, token, now_s, ttl_s) == 0 &&
      jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)key->bytes, (int)key->n) == 0)
    text = jwt_encode_str(jwt);
  if (text)
    copy = g_strdup(text);
  else
    refuse(error, TOKEN_ERROR_KEY, "the token could not be signed");
  free(text); /* libjwt allocates with malloc */
  jwt_free(jwt);
  return copy;
}
