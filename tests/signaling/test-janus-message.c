/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "signaling/janus-message.h"
#include "signaling/janus-refusal.h"

static json_t *parse(const char *text) {
  json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  g_assert_nonnull(value);
  return value;
}

static void test_request(void) {
  json_auto_t *message = parse("{\"janus\":\"Message\",\"session_id\":1,\"handle_id\":2,\"transaction\":\"t\",\"token\":\"j.w.t\","
                               "\"body\":{\"request\":\"x\"},\"jsep\":{\"type\":\"offer\",\"sdp\":\"v=0\"}}");
  JanusRequest request;
  g_assert_true(janus_request_read(message, &request, NULL));
  g_assert_cmpint(request.verb, ==, JANUS_VERB_MESSAGE); /* Janus does not mind the case, so the gate must not */
  g_assert_cmpuint(request.session, ==, 1);
  g_assert_cmpuint(request.handle, ==, 2);
  g_assert_cmpstr(request.token, ==, "j.w.t");
  g_assert_cmpstr(request.transaction, ==, "t");
  g_assert_nonnull(request.body);
  g_assert_nonnull(request.jsep);
}

static void test_request_refused(void) {
  static const struct {
    const char *text;
    int code;
  } rows[] = {
      {"{\"janus\":\"claim\",\"transaction\":\"t\",\"session_id\":1}", JANUS_ERROR_UNKNOWN_REQUEST},
      {"{\"janus\":\"list_sessions\",\"transaction\":\"t\",\"admin_secret\":\"x\"}", JANUS_ERROR_UNKNOWN_REQUEST},
      {"{\"janus\":\"\",\"transaction\":\"t\"}", JANUS_ERROR_UNKNOWN_REQUEST},
      {"{\"janus\":7,\"transaction\":\"t\"}", JANUS_ERROR_UNKNOWN_REQUEST},
      {"{\"transaction\":\"t\"}", JANUS_ERROR_UNKNOWN_REQUEST},
      {"{\"janus\":\"create\"}", JANUS_ERROR_MISSING},
      {"{\"janus\":\"create\",\"transaction\":5}", JANUS_ERROR_MISSING},
      {"{\"janus\":\"message\",\"transaction\":\"t\",\"jsep\":null}", JANUS_ERROR_SDP},
      {"{\"janus\":\"message\",\"transaction\":\"t\",\"jsep\":\"v=0\"}", JANUS_ERROR_SDP},
      {"{\"janus\":\"attach\",\"transaction\":\"t\",\"jsep\":{}}", JANUS_ERROR_SDP},
      {"{\"janus\":\"message\",\"transaction\":\"t\",\"body\":[{\"record\":true}]}", JANUS_ERROR_JSON},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_auto_t *message = parse(rows[i].text);
    JanusRequest request;
    g_autoptr(GError) error = NULL;
    g_assert_false(janus_request_read(message, &request, &error));
    g_assert_error(error, JANUS_ERROR, rows[i].code);
  }
}

static void test_transaction_bound(void) {
  for (gsize n = JANUS_TRANSACTION_BYTES_MAX; n <= JANUS_TRANSACTION_BYTES_MAX + 1; n++) {
    g_autofree char *transaction = g_strnfill(n, 't');
    json_auto_t *message = json_pack("{s:s, s:s}", "janus", "create", "transaction", transaction);
    JanusRequest request;
    g_assert_cmpint(janus_request_read(message, &request, NULL), ==, n == JANUS_TRANSACTION_BYTES_MAX);
  }
}

static void test_answers(void) {
  static const char *const answers[] = {"ack", "success", "error", "server_info", "pong"};
  static const char *const events[] = {"event", "webrtcup", "media", "slowlink", "hangup", "detached", "timeout", "trickle", "", "Ack"};
  for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
    json_auto_t *message = json_pack("{s:s, s:s}", "janus", answers[i], "transaction", "t");
    g_assert_true(janus_reply_read(message).is_answer);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
    json_auto_t *message = json_pack("{s:s, s:s}", "janus", events[i], "transaction", "t");
    g_assert_false(janus_reply_read(message).is_answer);
  }
}

static void test_numbers(void) {
  json_auto_t *message = parse("{\"janus\":\"detach\",\"transaction\":\"t\",\"session_id\":-5,\"handle_id\":\"7\"}");
  JanusRequest request;
  g_assert_true(janus_request_read(message, &request, NULL));
  g_assert_cmpuint(request.session, ==, 0);
  g_assert_cmpuint(request.handle, ==, 0);
}

static void test_secrets(void) {
  json_auto_t *plain = parse("{\"janus\":\"create\",\"token\":\"recgate's\",\"apisecret\":\"client's\"}");
  janus_request_set_secrets(plain, NULL, NULL);
  g_assert_null(json_object_get(plain, "token")); /* recgate's token reaches nobody else */
  g_assert_cmpstr(json_string_value(json_object_get(plain, "apisecret")), ==, "client's");
  janus_request_set_secrets(plain, "janus's", "secret");
  g_assert_cmpstr(json_string_value(json_object_get(plain, "token")), ==, "janus's");
  g_assert_cmpstr(json_string_value(json_object_get(plain, "apisecret")), ==, "secret");
}

static void test_trickle(void) {
  json_auto_t *message = parse("{\"janus\":\"trickle\",\"candidate\":{\"candidate\":\"candidate:1 1 udp 1 192.0.2.1 9 typ host\"},"
                               "\"candidates\":[{\"candidate\":\"candidate:2 1 udp 1 192.0.2.2 9 typ host\"}]}");
  janus_trickle_empty(message);
  g_autofree char *text = json_dumps(message, JSON_COMPACT);
  g_assert_null(strstr(text, "192.0.2"));
  g_assert_true(json_is_true(json_object_get(json_object_get(message, "candidate"), "completed")));
}

static void test_reply(void) {
  static const struct {
    const char *text;
    JanusReplyType type;
    guint64 session, handle, id;
  } rows[] = {
      {"{\"janus\":\"success\",\"transaction\":\"t\",\"data\":{\"id\":9007199254740991}}", JANUS_REPLY_SUCCESS, 0, 0, 9007199254740991},
      {"{\"janus\":\"success\",\"session_id\":1,\"data\":{\"id\":2}}", JANUS_REPLY_SUCCESS, 1, 0, 2},
      {"{\"janus\":\"success\",\"session_id\":1,\"sender\":2,\"plugindata\":{\"data\":{\"id\":3}}}", JANUS_REPLY_SUCCESS, 1, 2, 0},
      {"{\"janus\":\"hangup\",\"session_id\":1,\"sender\":2,\"reason\":\"Close PC\"}", JANUS_REPLY_HANGUP, 1, 2, 0},
      {"{\"janus\":\"detached\",\"session_id\":1,\"sender\":2}", JANUS_REPLY_DETACHED, 1, 2, 0},
      {"{\"janus\":\"timeout\",\"session_id\":1}", JANUS_REPLY_TIMEOUT, 1, 0, 0},
      {"{\"janus\":\"trickle\",\"session_id\":1,\"sender\":2,\"candidate\":{}}", JANUS_REPLY_TRICKLE, 1, 2, 0},
      {"{\"janus\":\"event\",\"session_id\":1,\"sender\":2,\"data\":{\"id\":7},\"jsep\":{}}", JANUS_REPLY_OTHER, 1, 2, 7},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_auto_t *message = parse(rows[i].text);
    const JanusReply reply = janus_reply_read(message);
    g_assert_cmpint(reply.type, ==, rows[i].type);
    g_assert_cmpuint(reply.session, ==, rows[i].session);
    g_assert_cmpuint(reply.handle, ==, rows[i].handle);
    g_assert_cmpuint(reply.id, ==, rows[i].id);
    g_assert_true((reply.jsep != NULL) == (strstr(rows[i].text, "jsep") != NULL));
  }
}

static void test_error(void) {
  json_auto_t *about = parse("{\"janus\":\"attach\",\"session_id\":5,\"transaction\":\"t\",\"token\":\"secret\",\"body\":{}}");
  json_auto_t *error = janus_error_json(about, 458, "No such session.");
  json_auto_t *expected =
      parse("{\"janus\":\"error\",\"session_id\":5,\"transaction\":\"t\",\"error\":{\"code\":458,\"reason\":\"No such session.\"}}");
  g_assert_true(json_equal(error, expected));
  json_auto_t *unreadable = janus_error_json(NULL, 454, "not JSON");
  g_assert_null(json_object_get(unreadable, "transaction"));
}

static void test_plugins(void) {
  static const char *const passing[] = {"videoroom", "echotest", "videocall", "audiobridge", "streaming", "textroom"};
  static const char *const refused[] = {"janus.plugin.recordplay",
                                        "janus.plugin.voicemail",
                                        "janus.plugin.sip",
                                        "janus.plugin.nosip",
                                        "janus.plugin.lua",
                                        "janus.plugin.duktape",
                                        "janus.plugin.own",
                                        "",
                                        NULL};
  for (gsize i = 0; i < G_N_ELEMENTS(passing); i++) {
    g_autofree char *plugin = g_strconcat("janus.plugin.", passing[i], NULL), *reason = janus_refuse_plugin(plugin);
    g_assert_null(reason);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autofree char *reason = janus_refuse_plugin(refused[i]);
    g_assert_true(g_str_has_prefix(reason, "recording_elsewhere"));
  }
}

static void test_bodies(void) {
  static const struct {
    const char *plugin, *body;
    gboolean passes;
  } rows[] = {
      {"videoroom", "{\"request\":\"join\",\"ptype\":\"publisher\",\"room\":1234,\"display\":\"record\"}", TRUE},
      {"videoroom", "{\"request\":\"publish\",\"audio\":true,\"video\":true,\"record\":false}", TRUE},
      {"videoroom", "{\"request\":\"publish\",\"record\":true}", FALSE},
      {"videoroom", "{\"request\":\"publish\",\"record\":\"yes\"}", FALSE},
      {"videoroom", "{\"request\":\"configure\",\"record\":1}", FALSE},
      {"videoroom", "{\"request\":\"joinandconfigure\",\"filename\":\"a\"}", FALSE},
      {"videoroom", "{\"request\":\"enable_recording\",\"room\":1,\"record\":true}", FALSE},
      {"videoroom", "{\"request\":\"enable_recording\",\"room\":1,\"record\":false}", TRUE},
      {"videoroom", "{\"request\":\"rtp_forward\",\"room\":1}", FALSE},
      {"videoroom", "{\"request\":\"RTP_Forward\",\"room\":1}", FALSE},
      {"videoroom", "{\"request\":\"stop_rtp_forward\",\"room\":1}", TRUE},
      {"videoroom", "{\"request\":\"publish_remotely\"}", FALSE},
      {"videoroom", "{\"request\":\"create\",\"room\":1,\"record\":false,\"publishers\":6}", TRUE},
      {"videoroom", "{\"request\":\"create\",\"rec_dir\":\"/tmp\"}", FALSE},
      {"videoroom", "{\"request\":\"create\",\"lock_record\":true}", FALSE},
      {"videoroom", "{\"request\":\"edit\",\"new_rec_dir\":\"/tmp\"}", FALSE},
      {"videoroom", "{\"request\":\"edit\",\"new_lock_record\":true}", FALSE},
      {"videocall", "{\"request\":\"set\",\"audio\":true,\"record\":true}", FALSE},
      {"videocall", "{\"request\":\"set\",\"filename\":\"a\"}", FALSE},
      {"echotest", "{\"audio\":true,\"video\":true}", TRUE},
      {"echotest", "{\"audio\":true,\"record\":true,\"filename\":\"a\"}", FALSE},
      {"audiobridge", "{\"request\":\"join\",\"room\":1}", TRUE},
      {"audiobridge", "{\"request\":\"join\",\"room\":1,\"rtp\":{\"ip\":\"192.0.2.1\",\"port\":9}}", FALSE},
      {"audiobridge", "{\"request\":\"create\",\"allow_rtp_participants\":true}", FALSE},
      {"audiobridge", "{\"request\":\"create\",\"mjrs\":true}", FALSE},
      {"audiobridge", "{\"request\":\"play_file\",\"filename\":\"a.opus\"}", TRUE},
      {"audiobridge", "{\"request\":\"rtp_forward\"}", FALSE},
      {"streaming", "{\"request\":\"watch\",\"id\":1}", TRUE},
      {"streaming", "{\"request\":\"recording\",\"action\":\"start\",\"id\":1}", FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_auto_t *body = parse(rows[i].body);
    g_autofree char *plugin = g_strconcat("janus.plugin.", rows[i].plugin, NULL), *reason = janus_refuse_body(plugin, body);
    g_test_message("%s %s: %s", rows[i].plugin, rows[i].body, reason ? reason : "passes");
    g_assert_true((reason == NULL) == rows[i].passes);
    g_assert_true(reason == NULL || g_str_has_prefix(reason, "recording_elsewhere: "));
  }
  g_assert_null(janus_refuse_body("janus.plugin.videoroom", NULL));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/janus-message/request", test_request);
  g_test_add_func("/signaling/janus-message/request-refused", test_request_refused);
  g_test_add_func("/signaling/janus-message/transaction-bound", test_transaction_bound);
  g_test_add_func("/signaling/janus-message/answers", test_answers);
  g_test_add_func("/signaling/janus-message/numbers", test_numbers);
  g_test_add_func("/signaling/janus-message/secrets", test_secrets);
  g_test_add_func("/signaling/janus-message/trickle", test_trickle);
  g_test_add_func("/signaling/janus-message/reply", test_reply);
  g_test_add_func("/signaling/janus-message/error", test_error);
  g_test_add_func("/signaling/janus-refusal/plugins", test_plugins);
  g_test_add_func("/signaling/janus-refusal/bodies", test_bodies);
  return g_test_run();
}
