/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: what is refused and why (fault 15, 18, 38). Tokens are signed here by libjwt with any claims a table asks for. */
#include <glib/gstdio.h>
#include <jwt.h>
#include <string.h>

#include "signaling/token.h"

#define NOW    1800000000
#define SECRET "0123456789abcdef0123456789abcdef"

typedef struct Fixture {
  char *dir, *secret_file, *private_pem, *public_file;
  TokenKey *secret, *public;
} Fixture;

static char *file_in(const Fixture *fixture, const char *name, const char *bytes, gssize n) {
  char *path = g_build_filename(fixture->dir, name, NULL);
  g_assert_true(g_file_set_contents(path, bytes, n, NULL));
  return path;
}

static void set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  fixture->dir = g_dir_make_tmp("recgate-token-XXXXXX", NULL);
  fixture->secret_file = file_in(fixture, "secret", SECRET "\n", -1);
  fixture->secret = token_key_secret(fixture->secret_file, NULL);
  fixture->public_file = g_build_filename(fixture->dir, "public.pem", NULL);
  g_autofree char *make = g_strdup_printf("sh -c 'cd %s && openssl ecparam -name prime256v1 -genkey -noout -out private.pem 2>/dev/null && "
                                          "openssl ec -in private.pem -pubout -out public.pem 2>/dev/null'",
                                          fixture->dir);
  g_assert_true(g_spawn_command_line_sync(make, NULL, NULL, NULL, NULL));
  g_autofree char *private_file = g_build_filename(fixture->dir, "private.pem", NULL);
  g_assert_true(g_file_get_contents(private_file, &fixture->private_pem, NULL, NULL));
  fixture->public = token_key_public(fixture->public_file, NULL);
  g_assert_nonnull(fixture->secret);
  g_assert_nonnull(fixture->public);
}

static void tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  static const char *const names[] = {"secret", "public.pem", "private.pem", "short", "other"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = g_build_filename(fixture->dir, names[i], NULL);
    g_unlink(path);
  }
  g_rmdir(fixture->dir);
  token_key_free(fixture->secret);
  token_key_free(fixture->public);
  g_free(fixture->dir);
  g_free(fixture->secret_file);
  g_free(fixture->private_pem);
  g_free(fixture->public_file);
}

static char *sign(const char *claims, jwt_alg_t alg, const char *key) {
  jwt_t *jwt = NULL;
  g_assert_cmpint(jwt_new(&jwt), ==, 0);
  g_assert_cmpint(jwt_add_grants_json(jwt, claims), ==, 0);
  g_assert_cmpint(jwt_set_alg(jwt, alg, (const unsigned char *)key, key ? (int)strlen(key) : 0), ==, 0);
  char *text = jwt_encode_str(jwt), *copy = g_strdup(text);
  free(text);
  jwt_free(jwt);
  return copy;
}

#define GOOD    "\"aud\":\"recgate\",\"sid\":\"s\",\"sub\":\"p\",\"role\":\"client\""
#define EXP     "\"exp\":1800000060"
#define OK_CODE -1

static const struct {
  const char *claims;
  int code;
} claims_table[] = {
    {"{" GOOD "," EXP "}", OK_CODE},
    {"{" GOOD "," EXP ",\"nbf\":1800000020,\"iat\":1799999000}", OK_CODE},
    {"{\"aud\":[\"x\",\"recgate\"],\"sid\":\"s\",\"sub\":\"p\",\"role\":\"client\"," EXP "}", OK_CODE},
    {"{" GOOD ",\"exp\":1800000000.9}", TOKEN_ERROR_EXPIRED},
    {"{" GOOD ",\"exp\":1800000000}", TOKEN_ERROR_EXPIRED},
    {"{" GOOD ",\"exp\":1}", TOKEN_ERROR_EXPIRED},
    {"{" GOOD "," EXP ",\"nbf\":1800000031}", TOKEN_ERROR_EXPIRED},
    {"{" GOOD "," EXP ",\"iat\":1800009999}", TOKEN_ERROR_EXPIRED},
    {"{" GOOD "," EXP ",\"nbf\":\"x\"}", TOKEN_ERROR_CLAIMS},
    {"{" GOOD "}", TOKEN_ERROR_CLAIMS},
    {"{" GOOD ",\"exp\":\"1800000060\"}", TOKEN_ERROR_CLAIMS},
    {"{" GOOD ",\"exp\":1e300}", TOKEN_ERROR_CLAIMS},
    {"{\"aud\":\"other\",\"sid\":\"s\",\"sub\":\"p\",\"role\":\"client\"," EXP "}", TOKEN_ERROR_AUDIENCE},
    {"{\"sid\":\"s\",\"sub\":\"p\",\"role\":\"client\"," EXP "}", TOKEN_ERROR_AUDIENCE},
    {"{\"aud\":{\"recgate\":1},\"sid\":\"s\",\"sub\":\"p\",\"role\":\"client\"," EXP "}", TOKEN_ERROR_AUDIENCE},
    {"{\"aud\":\"recgate\",\"sid\":\"../s\",\"sub\":\"p\",\"role\":\"client\"," EXP "}", TOKEN_ERROR_CLAIMS},
    {"{\"aud\":\"recgate\",\"sid\":\"s\",\"role\":\"client\"," EXP "}", TOKEN_ERROR_CLAIMS},
    {"{\"aud\":\"recgate\",\"sid\":\"s\",\"sub\":7,\"role\":\"client\"," EXP "}", TOKEN_ERROR_CLAIMS},
    {"{\"aud\":\"recgate\",\"sid\":\"s\",\"sub\":\"p\",\"role\":\"root\"," EXP "}", TOKEN_ERROR_CLAIMS},
    {"{\"aud\":\"recgate\",\"sid\":\"s\",\"sub\":\"p\",\"role\":\"none\"," EXP "}", TOKEN_ERROR_CLAIMS},
};

static void expect(const TokenKey *key, const char *jwt, int code) {
  g_autoptr(GError) error = NULL;
  Token token = {.role = TOKEN_ROLE_SERVICE, .name = "untouched"};
  gboolean ok = token_verify(key, jwt, NOW, &token, &error);
  g_assert_true(ok == (error == NULL));
  g_assert_cmpint(ok ? OK_CODE : error->code, ==, code);
  if (!ok) {
    g_assert_cmpstr(token.name, ==, "untouched");
    g_assert_true(!jwt || strlen(jwt) < 20 || !strstr(error->message, jwt));
  }
}

static void test_claims(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  for (gsize i = 0; i < G_N_ELEMENTS(claims_table); i++) {
    g_test_message("%s", claims_table[i].claims);
    g_autofree char *hs = sign(claims_table[i].claims, JWT_ALG_HS256, SECRET);
    g_autofree char *es = sign(claims_table[i].claims, JWT_ALG_ES256, fixture->private_pem);
    expect(fixture->secret, hs, claims_table[i].code);
    expect(fixture->public, es, claims_table[i].code);
  }
}

static void test_algorithms(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  const char *claims = "{" GOOD "," EXP "}";
  g_autofree char *public_pem = NULL;
  g_assert_true(g_file_get_contents(fixture->public_file, &public_pem, NULL, NULL));
  g_autofree char *none = sign(claims, JWT_ALG_NONE, NULL), *hs = sign(claims, JWT_ALG_HS256, SECRET),
                  *hs512 = sign(claims, JWT_ALG_HS512, SECRET);
  g_autofree char *other = sign(claims, JWT_ALG_HS256, "another secret of 32 bytes or so"),
                  *es = sign(claims, JWT_ALG_ES256, fixture->private_pem);
  g_autofree char *swapped = sign(claims, JWT_ALG_HS256, public_pem); /* the public key as an HMAC secret */
  expect(fixture->secret, hs, OK_CODE);
  expect(fixture->public, es, OK_CODE);
  const char *const refused[] = {none,  hs512,   other, es,         swapped,           "",      "a",
                                 "a.b", "a.b.c", "..",  "e30.e30.", "e30.e30.e30.e30", "!.!.!", NULL};
  for (guint i = 0; i < G_N_ELEMENTS(refused); i++)
    expect(fixture->secret, refused[i], TOKEN_ERROR_INVALID);
  expect(fixture->public, swapped, TOKEN_ERROR_INVALID);
  expect(fixture->public, hs, TOKEN_ERROR_INVALID);
  expect(fixture->public, none, TOKEN_ERROR_INVALID);
}

/* Any single character changed: never a valid token. */
static void test_flipped(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  g_autofree char *good = sign("{" GOOD "," EXP "}", JWT_ALG_HS256, SECRET);
  gsize n = strlen(good);
  for (gsize i = 0; i + 1 < n; i++) { /* the last character has two unused bits */
    g_autofree char *bad = g_strdup(good);
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    Token token;
    g_assert_false(token_verify(fixture->secret, bad, NOW, &token, NULL));
  }
}

static void test_cannot_consent(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  static const struct {
    const char *extra;
    gboolean cannot;
  } rows[] = {{"", FALSE}, {",\"cannot_consent\":false", FALSE}, {",\"cannot_consent\":true", TRUE}, {",\"cannot_consent\":\"x\"", TRUE}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *claims = g_strconcat("{" GOOD "," EXP, rows[i].extra, "}", NULL), *jwt = sign(claims, JWT_ALG_HS256, SECRET);
    Token token;
    g_assert_true(token_verify(fixture->secret, jwt, NOW, &token, NULL));
    g_assert_cmpint(token.cannot_consent, ==, rows[i].cannot);
  }
}

static void test_name(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  static const struct {
    const char *json, *clean;
  } rows[] = {{"", "p"},
              {",\"name\":\"  Ada \"", "Ada"},
              {",\"name\":\"   \"", "p"},
              {",\"name\":\"a\\nb\\u001b[31m\"", "a\xef\xbf\xbd"
                                                 "b\xef\xbf\xbd[31m"},
              {",\"name\":\"a\\u202eb\\u2028\"", "a\xef\xbf\xbd"
                                                 "b\xef\xbf\xbd"},
              {",\"name\":7", "p"}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *claims = g_strconcat("{" GOOD "," EXP, rows[i].json, "}", NULL), *jwt = sign(claims, JWT_ALG_HS256, SECRET);
    Token token;
    g_assert_true(token_verify(fixture->secret, jwt, NOW, &token, NULL));
    g_assert_cmpstr(token.name, ==, rows[i].clean);
  }
  g_autoptr(GString) wide = g_string_new("{" GOOD "," EXP ",\"name\":\"x");
  for (guint i = 0; i < 100; i++)
    g_string_append(wide, "ä");
  g_string_append(wide, "\"}");
  g_autofree char *jwt = sign(wide->str, JWT_ALG_HS256, SECRET);
  Token token;
  g_assert_true(token_verify(fixture->secret, jwt, NOW, &token, NULL));
  g_assert_cmpuint(strlen(token.name), ==, 127); /* x and 63 whole characters */
  g_assert_true(g_utf8_validate(token.name, -1, NULL));
}

static void test_made(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  Token in = {.session = "s.1", .participant = "p-2", .name = "Zoë", .role = TOKEN_ROLE_AUDITOR, .cannot_consent = TRUE}, out = {0};
  g_autofree char *jwt = token_make(fixture->secret, &in, NOW, 60, NULL);
  g_assert_true(token_verify(fixture->secret, jwt, NOW + 59, &out, NULL));
  g_assert_cmpstr(out.session, ==, "s.1");
  g_assert_cmpstr(out.participant, ==, "p-2");
  g_assert_cmpstr(out.name, ==, "Zoë");
  g_assert_cmpint(out.role, ==, TOKEN_ROLE_AUDITOR);
  g_assert_true(out.cannot_consent);
  g_assert_cmpint(out.expires_s, ==, NOW + 60);
  g_assert_false(token_verify(fixture->secret, jwt, NOW + 60, &out, NULL));
  g_assert_null(token_make(fixture->public, &in, NOW, 60, NULL));
  g_assert_null(token_make(fixture->secret, &in, NOW, 0, NULL));
  in.role = TOKEN_ROLE_NONE;
  g_assert_null(token_make(fixture->secret, &in, NOW, 60, NULL));
}

static void test_keys(Fixture *fixture, gconstpointer data G_GNUC_UNUSED) {
  g_autofree char *small = file_in(fixture, "short", "0123456789abcdef0123456789abcde\n", -1),
                  *exact = file_in(fixture, "other", SECRET, -1);
  g_autoptr(TokenKey) key = token_key_secret(exact, NULL);
  g_assert_nonnull(key);
  g_assert_null(token_key_secret(small, NULL));
  g_assert_null(token_key_secret("/nowhere/at/all", NULL));
  g_assert_null(token_key_public(exact, NULL));
}

static void test_ids(void) {
  g_autofree char *longest = g_strnfill(64, 'a'), *longer = g_strnfill(65, 'a');
  const char *const good[] = {"a", "A.b_c-9", "-", "_", "a..b", longest}, *const bad[] = {NULL,  "",    ".", "..",  ".a",  "a/b",
                                                                                          "a b", "a\n", "ä", "%2e", longer};
  for (guint i = 0; i < G_N_ELEMENTS(good); i++)
    g_assert_true(token_id_is_valid(good[i]));
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    g_assert_false(token_id_is_valid(bad[i]));
}

#define ADD(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  ADD("/signaling/token/claims", test_claims);
  ADD("/signaling/token/algorithms", test_algorithms);
  ADD("/signaling/token/flipped", test_flipped);
  ADD("/signaling/token/cannot-consent", test_cannot_consent);
  ADD("/signaling/token/name", test_name);
  ADD("/signaling/token/made", test_made);
  ADD("/signaling/token/keys", test_keys);
  g_test_add_func("/signaling/token/ids", test_ids);
  return g_test_run();
}
