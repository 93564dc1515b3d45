/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: JWT (RFC 7519) by libjwt, HS256 or ES256 as configured and nothing else (fault 15).
 *
 * Threads: any; a TokenKey is immutable. */
#ifndef RECGATE_TOKEN_H
#define RECGATE_TOKEN_H

#include <glib.h>

#define TOKEN_ERROR (token_error_quark())
GQuark token_error_quark(void);
typedef enum TokenError { TOKEN_ERROR_KEY, TOKEN_ERROR_INVALID, TOKEN_ERROR_EXPIRED, TOKEN_ERROR_AUDIENCE, TOKEN_ERROR_CLAIMS } TokenError;

#define TOKEN_ID_BYTES_MAX 64
#define TOKEN_NAME_BYTES_MAX 128
#define TOKEN_SECRET_BYTES_MIN 32

typedef enum TokenRole { TOKEN_ROLE_NONE = 0, TOKEN_ROLE_EXPERT, TOKEN_ROLE_CLIENT, TOKEN_ROLE_OBSERVER, TOKEN_ROLE_AUDITOR, TOKEN_ROLE_SERVICE } TokenRole;
const char *token_role_text(TokenRole role);
TokenRole token_role_parse(const char *text); /* NONE: unknown */

typedef struct Token {
  char session[TOKEN_ID_BYTES_MAX + 1], participant[TOKEN_ID_BYTES_MAX + 1];
  char name[TOKEN_NAME_BYTES_MAX + 1]; /* UTF-8, control characters replaced; participant's id where it is missing */
  TokenRole role;
  gint64 expires_s;         /* seconds since the epoch */
  gboolean cannot_consent;
} Token;

/* 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot (fault 18). */
gboolean token_id_is_valid(const char *id);

typedef struct TokenKey TokenKey;
TokenKey *token_key_secret(const char *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;     /* HS256: the file's bytes without a trailing newline, 32 or more */
TokenKey *token_key_public(const char *pem_file, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* ES256, verifies only */
void token_key_free(TokenKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TokenKey, token_key_free)

/* now_s: wall clock seconds. The message says what is wrong in words for a person, without the token. */
gboolean token_verify(const TokenKey *key, const char *jwt, gint64 now_s, Token *token, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ttl_s > 0. NULL and error with a public key. g_free it. */
char *token_make(const TokenKey *key, const Token *token, gint64 now_s, gint64 ttl_s, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
