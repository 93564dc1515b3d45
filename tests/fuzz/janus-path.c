/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an address of Janus's HTTP API that is taken has no other spelling but for a slash at its end, and what it names is what the request
 * then says (fault 18). */
#include <string.h>

#include "signaling/janus-path.h"
#include "tests/fuzz/fuzz.h"

static char *spell(const JanusPath *path) {
  switch (path->kind) {
  case JANUS_PATH_SERVER:
    return g_strdup("");
  case JANUS_PATH_INFO:
    return g_strdup("/info");
  case JANUS_PATH_SESSION:
    return g_strdup_printf("/%" G_GUINT64_FORMAT, path->session);
  case JANUS_PATH_HANDLE:
    return g_strdup_printf("/%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, path->session, path->handle);
  case JANUS_PATH_NONE:
    break;
  }
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  g_autofree char *rest = g_strndup((const char *)data, size);
  const JanusPath path = janus_path_read(rest);
  if (path.kind == JANUS_PATH_NONE) {
    g_assert_true(path.session == 0 && path.handle == 0);
    return 0;
  }
  g_autofree char *again = spell(&path), *slashed = g_strconcat(again, "/", NULL);
  g_assert_true(strcmp(rest, again) == 0 || strcmp(rest, slashed) == 0);
  json_auto_t *message = json_object();
  g_assert_true(janus_path_apply(&path, message, NULL));
  g_assert_cmpint(json_integer_value(json_object_get(message, "session_id")), ==, (json_int_t)path.session);
  g_assert_cmpint(json_integer_value(json_object_get(message, "handle_id")), ==, (json_int_t)path.handle);
  return 0;
}
