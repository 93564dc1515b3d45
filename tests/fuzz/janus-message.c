/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: whatever object comes from a Janus client or from Janus is read or refused with a reason, and what passes carries no recgate token
 * and no candidate of the client's. */
#include "signaling/janus-message.h"
#include "signaling/janus-refusal.h"
#include "signaling/json.h"
#include "tests/fuzz/fuzz.h"

static void pass_up(json_t *object) {
  JanusRequest request;
  g_autoptr(GError) error = NULL;
  if (!janus_request_read(object, &request, &error)) {
    g_assert_true(error->domain == JANUS_ERROR && error->code >= 400 && *error->message);
    json_auto_t *said = janus_error_json(object, error->code, error->message);
    g_assert_true(json_is_object(json_object_get(said, "error")));
    return;
  }
  g_assert_true(request.verb != JANUS_VERB_NONE && request.transaction);
  g_assert_true(!request.jsep || (json_is_object(request.jsep) && request.verb == JANUS_VERB_MESSAGE));
  g_autofree char *plugin = janus_refuse_plugin(request.plugin), *body = janus_refuse_body("janus.plugin.videoroom", request.body);
  g_assert_true(!plugin || g_str_has_prefix(plugin, "recording_elsewhere: "));
  g_assert_true(!body || g_str_has_prefix(body, "recording_elsewhere: "));
  if (json_is_true(json_object_get(request.body, "record")))
    g_assert_nonnull(body);
  janus_request_set_secrets(object, NULL, NULL);
  g_assert_null(json_object_get(object, "token"));
  janus_trickle_empty(object);
  g_assert_cmpuint(json_object_size(json_object_get(object, "candidate")), ==, 1);
  g_assert_null(json_object_get(object, "candidates"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_auto_t *object = json_text_parse((const char *)data, size, NULL);
  if (!object)
    return 0;
  const JanusReply reply = janus_reply_read(object);
  g_assert_true(reply.session <= G_MAXINT64 && reply.handle <= G_MAXINT64 && reply.id <= G_MAXINT64);
  pass_up(object);
  return 0;
}
