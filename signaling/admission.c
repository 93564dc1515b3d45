/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a token at the door. */
#include "signaling/admission.h"

const char *admission_refusal(Daemon *daemon, const char *jwt, Token *token, char **why) {
  g_autoptr(GError) error = NULL;
  if (jwt == NULL || !token_verify(daemon->key, jwt, daemon_wall_ms() / 1000, token, &error)) {
    daemon->counters.refused_tokens++;
    *why = g_strdup(error != NULL ? error->message : "A “token” is needed.");
    vault_append(daemon->vault, NULL, json_pack("{s:s, s:s}", "type", "refused", "why", *why), NULL, NULL);
    return g_error_matches(error, TOKEN_ERROR, TOKEN_ERROR_EXPIRED) ? "token_expired" : "bad_token";
  }
  if (token->role != TOKEN_ROLE_AUDITOR && token->role != TOKEN_ROLE_SERVICE)
    return NULL;
  *why = g_strdup("Auditors and services never join a call.");
  return "role_may_not_join";
}
