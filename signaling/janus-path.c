/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/janus-path.h"

#include <string.h>

/* The first digit is looked at here: GLib skips a vertical tab before it. */
static gboolean is_id(const char *text, guint64 *id) {
  return *text >= '1' && *text <= '9' && g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, id, NULL);
}

JanusPath janus_path_read(const char *rest) {
  JanusPath path = {.kind = JANUS_PATH_SERVER};
  if (strcmp(rest, "") == 0 || strcmp(rest, "/") == 0)
    return path;
  g_auto(GStrv) parts = g_strsplit(rest, "/", 5); /* "", session, handle, and "" behind a last slash */
  guint n = g_strv_length(parts);
  if (n > 2 && *parts[n - 1] == '\0')
    n--;
  if (*parts[0] != '\0' || n > 3)
    return (JanusPath){.kind = JANUS_PATH_NONE};
  if (n == 2 && strcmp(parts[1], "info") == 0)
    path.kind = JANUS_PATH_INFO;
  else if (!is_id(parts[1], &path.session) || (n == 3 && !is_id(parts[2], &path.handle)))
    return (JanusPath){.kind = JANUS_PATH_NONE};
  else
    path.kind = n == 3 ? JANUS_PATH_HANDLE : JANUS_PATH_SESSION;
  return path;
}

static gboolean apply(json_t *message, const char *name, guint64 id, GError **error) {
  const json_int_t named = json_integer_value(json_object_get(message, name));
  if (id == 0 || named == (json_int_t)id)
    return TRUE;
  if (named == 0) {
    json_object_set_new(message, name, json_integer((json_int_t)id));
    return TRUE;
  }
  g_set_error(error, JANUS_ERROR, JANUS_ERROR_PATH, "Conflicting %s (payload and path)", name);
  return FALSE;
}

gboolean janus_path_apply(const JanusPath *path, json_t *message, GError **error) {
  return apply(message, "session_id", path->session, error) && apply(message, "handle_id", path->handle, error);
}
