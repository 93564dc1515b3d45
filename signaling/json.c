/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON: the shape is counted in one pass without heap, then jansson parses. */
#include "signaling/json.h"

G_DEFINE_QUARK(recgate - json - text - error, json_text_error)

typedef struct Shape {
  guint depth, containers, values;
  gboolean in_string, escaped;
} Shape;

/* FALSE: beyond a limit. Wrong syntax passes here and is refused by the parser. */
static gboolean shape_feed(Shape *shape, char c) {
  if (shape->in_string) {
    if (shape->escaped)
      shape->escaped = FALSE;
    else if (c == '\\')
      shape->escaped = TRUE;
    else if (c == '"')
      shape->in_string = FALSE;
    return TRUE;
  }
  if (c == '"')
    shape->in_string = TRUE;
  else if (c == '{' || c == '[')
    return ++shape->depth <= JSON_DEPTH_MAX && ++shape->containers <= JSON_CONTAINERS_MAX;
  else if ((c == '}' || c == ']') && shape->depth > 0)
    shape->depth--;
  else if (c == ',')
    return ++shape->values <= JSON_VALUES_MAX;
  return TRUE;
}

json_t *json_text_parse(const char *bytes, gsize n, GError **error) {
  if (n > JSON_TEXT_BYTES_MAX) {
    g_set_error(error, JSON_TEXT_ERROR, JSON_TEXT_ERROR_SHAPE, "more than %d bytes of JSON", JSON_TEXT_BYTES_MAX);
    return NULL;
  }
  Shape shape = {0};
  for (gsize i = 0; i < n; i++)
    if (!shape_feed(&shape, bytes[i])) {
      g_set_error(error, JSON_TEXT_ERROR, JSON_TEXT_ERROR_SHAPE, "JSON too deep or with too many values");
      return NULL;
    }
  json_error_t why;
  json_t *value = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &why);
  if (!value) {
    /* jansson quotes the text near the fault: keep the reason only, without what the sender wrote. */
    const char *near = strstr(why.text, " near ");
    g_set_error(error, JSON_TEXT_ERROR, JSON_TEXT_ERROR_SYNTAX, "not valid JSON at byte %d: %.*s", why.position,
                near ? (int)(near - why.text) : (int)strlen(why.text), why.text);
    return NULL;
  }
  if (!json_is_object(value)) {
    json_decref(value);
    g_set_error(error, JSON_TEXT_ERROR, JSON_TEXT_ERROR_SYNTAX, "the JSON is not an object");
    return NULL;
  }
  return value;
}

const char *json_text_member(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  const char *text = json_string_value(value);
  return text && strlen(text) == json_string_length(value) ? text : NULL;
}
