/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-forget.h"

#include "signaling/session.h"

static void on_forgotten(const VaultReply *reply, gpointer user) {
  HttpRequest *request = user;
  if (reply->error == NULL)
    http_respond_json(request, 200, json_pack("{s:b, s:I}", "forgotten", TRUE, "leaf", (json_int_t)reply->leaf_index));
  else if (g_error_matches(reply->error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
    http_respond_error(request, 404, "unknown", reply->error->message);
  else if (g_error_matches(reply->error, VAULT_ERROR, VAULT_ERROR_KEPT))
    http_respond_error(request, 409, "still_kept", reply->error->message);
  else
    http_respond_error(request, 503, "storage", reply->error->message);
}

/* Memory counts as well: a session that the process still knows is not over (somebody may be about to withdraw, R6). */
static gboolean is_live(Daemon *daemon, const char *id) {
  session_drop_idle(daemon);
  return session_get(daemon, id, FALSE) != NULL;
}

void api_forget(HttpRequest *request, Daemon *daemon, const char *rest, const Token *token) {
  g_auto(GStrv) parts = g_strsplit(rest, "/", 4);
  const guint n = g_strv_length(parts);
  if (token->role != TOKEN_ROLE_SERVICE) {
    http_respond_error(request, 403, "wrong_role", "Only a service may have somebody forgotten.");
    return;
  }
  if (n != 1 && !(n == 3 && g_str_equal(parts[1], "participants"))) {
    http_respond_error(request, 404, "not_found", "Forget /v1/sessions/SESSION or /v1/sessions/SESSION/participants/PARTICIPANT.");
    return;
  }
  if (!token_id_is_valid(parts[0]) || (n == 3 && !token_id_is_valid(parts[2]))) {
    http_respond_error(request, 400, "bad_id", "An id is 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot.");
    return;
  }
  if (is_live(daemon, parts[0])) {
    http_respond_error(request, 409, "session_live",
                       "This session is not over: it can be forgotten an hour after everybody has left and closed its page.");
    return;
  }
  vault_forget(daemon->vault, parts[0], n == 3 ? parts[2] : NULL, on_forgotten, request);
}
