/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/session-request.h"

#include <string.h>

#include "signaling/disclosure.h"
#include "signaling/letter.h"

static Request *request_of(const Session *session, json_t *disclosure, const char *asker_name, GError **error) {
  Request *request = g_rc_box_new0(Request);
  request->disclosure = disclosure;
  request->canonical = disclosure_canonical(disclosure, request->hash, error);
  if (request->canonical == NULL) {
    session_request_unref(request);
    return NULL;
  }
  for (gsize i = 0; i < sizeof request->hash; i++)
    g_snprintf(request->sha256 + 2 * i, 3, "%02x", request->hash[i]);
  request->letter = letters_write(session->daemon->letters, disclosure, asker_name);
  request->asker_name = g_strdup(asker_name);
  request->on_withdrawal = disclosure_on_withdrawal(disclosure);
  return request;
}

Request *session_request_new(Session *session, const json_t *given, const char *asker_name, Member *asker, GError **error) {
  Daemon *daemon = session->daemon;
  gint64 now_ms = daemon_wall_ms();
  g_autofree char *at = daemon_rfc3339(now_ms);
  const DisclosureContext context = {daemon->config->controller_name, daemon->config->controller_contact, session->id, at,
                                     daemon->config->retention_max_s};
  json_t *disclosure = disclosure_complete(given, &context, error);
  Request *request = disclosure != NULL ? request_of(session, disclosure, asker_name, error) : NULL;
  if (request == NULL)
    return NULL;
  daemon->last_request = MAX(daemon->last_request + 1, (guint64)now_ms);
  request->number = daemon->last_request;
  request->asker = asker;
  request->made_ms = now_ms;
  return request;
}

Request *session_request_remembered(const Session *session, const json_t *plan) {
  json_t *disclosure = json_loads(json_string_value(json_object_get(plan, "disclosure")), 0, NULL);
  Request *request =
      disclosure != NULL ? request_of(session, disclosure, json_string_value(json_object_get(plan, "asker_name")), NULL) : NULL;
  if (request == NULL)
    return NULL;
  if (g_strcmp0(request->sha256, json_string_value(json_object_get(plan, "sha256"))) != 0) {
    session_request_unref(request);
    return NULL;
  }
  request->number = (guint64)json_integer_value(json_object_get(plan, "request"));
  request->made_ms = json_integer_value(json_object_get(plan, "at"));
  return request;
}

static void request_clear(gpointer data) {
  Request *request = data;
  json_decref(request->disclosure);
  g_free(request->canonical);
  g_free(request->letter);
  g_free(request->asker_name);
}

Request *session_request_ref(Request *request) {
  return g_rc_box_acquire(request);
}

void session_request_unref(Request *request) {
  if (request != NULL)
    g_rc_box_release_full(request, request_clear);
}

ConsentResult session_request_ask(Session *session, Request *request, void (*accepted)(gpointer user), gpointer user) {
  ConsentEvent event = {.type = CONSENT_EVENT_REQUEST,
                        .person = request->asker != NULL ? request->asker->person : 0,
                        .request = request->number,
                        .scope = request->on_withdrawal};
  memcpy(event.sha256, request->hash, sizeof event.sha256);
  g_ptr_array_add(session->requests, request); /* the effects refer to it */
  ConsentResult result = session_event_then(session, &event, accepted, user);
  if (result != CONSENT_OK)
    g_ptr_array_remove(session->requests, request);
  return result;
}

void session_request_keep(Session *session, const Request *request, VaultDone done, gpointer user) {
  static const VaultScope SCOPES[] = {[CONSENT_SCOPE_UNSET] = VAULT_SCOPE_SESSION,
                                      [CONSENT_SCOPE_AFTER] = VAULT_SCOPE_AFTER,
                                      [CONSENT_SCOPE_PARTICIPANT] = VAULT_SCOPE_PARTICIPANT,
                                      [CONSENT_SCOPE_SESSION] = VAULT_SCOPE_SESSION};
  const VaultRecording recording = {.session = session->id,
                                    .request = request->number,
                                    .on_withdrawal = SCOPES[request->on_withdrawal],
                                    .retention_s = json_integer_value(json_object_get(request->disclosure, "retention_s")),
                                    .disclosure = request->canonical,
                                    .sha256 = request->sha256,
                                    .asker = request->asker != NULL ? request->asker->id : NULL};
  vault_recording_new(session->daemon->vault, &recording, done, user);
}
