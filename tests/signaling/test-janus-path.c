/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/janus-path.h"

static void test_read(void) {
  static const struct {
    const char *rest;
    JanusPath path;
  } rows[] = {
      {"", {JANUS_PATH_SERVER, 0, 0}},
      {"/", {JANUS_PATH_SERVER, 0, 0}},
      {"/info", {JANUS_PATH_INFO, 0, 0}},
      {"/info/", {JANUS_PATH_INFO, 0, 0}}, /* one slash at the end is none */
      {"/5012", {JANUS_PATH_SESSION, 5012, 0}},
      {"/5012/", {JANUS_PATH_SESSION, 5012, 0}},
      {"/5012/77", {JANUS_PATH_HANDLE, 5012, 77}},
      {"/5012/77/", {JANUS_PATH_HANDLE, 5012, 77}},
      {"/9223372036854775807", {JANUS_PATH_SESSION, G_MAXINT64, 0}},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    const JanusPath path = janus_path_read(rows[i].rest);
    g_assert_cmpint(path.kind, ==, rows[i].path.kind);
    g_assert_cmpuint(path.session, ==, rows[i].path.session);
    g_assert_cmpuint(path.handle, ==, rows[i].path.handle);
  }
}

static void test_no_such_address(void) {
  static const char *const rows[] = {"x",
                                     "5012",
                                     "/0",
                                     "/05",
                                     "/-5",
                                     "/+5",
                                     "/5x",
                                     "/ 5",
                                     "/\v5",
                                     "/5/\v6",
                                     "/0x5",
                                     "/admin",
                                     "/ping",
                                     "/info/5",
                                     "/5/info",
                                     "/5/0",
                                     "/5//",
                                     "/5/6/7",
                                     "/5/6/7/8/9",
                                     "/9223372036854775808",
                                     "/99999999999999999999999999",
                                     "//",
                                     "//5",
                                     "/INFO"};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    const JanusPath path = janus_path_read(rows[i]);
    g_assert_cmpint(path.kind, ==, JANUS_PATH_NONE);
    g_assert_true(path.session == 0 && path.handle == 0);
  }
}

static void test_apply(void) {
  const JanusPath path = {JANUS_PATH_HANDLE, 5, 6};
  static const struct {
    const char *text;
    gboolean fits;
  } rows[] = {{"{}", TRUE},
              {"{\"session_id\":5}", TRUE},
              {"{\"session_id\":5,\"handle_id\":6}", TRUE},
              {"{\"session_id\":\"7\",\"handle_id\":null}", TRUE}, /* what is no number names nothing */
              {"{\"session_id\":7}", FALSE},
              {"{\"session_id\":-5}", FALSE},
              {"{\"session_id\":5,\"handle_id\":5}", FALSE}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_auto_t *message = json_loads(rows[i].text, 0, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(janus_path_apply(&path, message, &error), ==, rows[i].fits);
    if (!rows[i].fits) {
      g_assert_error(error, JANUS_ERROR, JANUS_ERROR_PATH);
      continue;
    }
    g_assert_cmpint(json_integer_value(json_object_get(message, "session_id")), ==, 5);
    g_assert_cmpint(json_integer_value(json_object_get(message, "handle_id")), ==, 6);
  }
}

static void test_apply_nothing(void) {
  const JanusPath path = {JANUS_PATH_SERVER, 0, 0};
  json_auto_t *message = json_loads("{\"session_id\":7}", 0, NULL);
  g_assert_true(janus_path_apply(&path, message, NULL)); /* as Janus has it: the request may name it itself */
  g_assert_cmpint(json_integer_value(json_object_get(message, "session_id")), ==, 7);
  g_assert_null(json_object_get(message, "handle_id"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/janus-path/read", test_read);
  g_test_add_func("/signaling/janus-path/no-such-address", test_no_such_address);
  g_test_add_func("/signaling/janus-path/apply", test_apply);
  g_test_add_func("/signaling/janus-path/apply-nothing", test_apply_nothing);
  return g_test_run();
}
