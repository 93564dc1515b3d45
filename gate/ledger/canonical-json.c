/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8785 (JCS): the one text of a JSON value, so that a hash of it means something. Integers only: nothing here needs
 * fractions, and a number that two readers print differently would be two leaves. */
#include "gate/ledger/ledger.h"

#include <string.h>

#define DEPTH_MAX   32                           /* leaves are flat; this bounds the stack (fault 17) */
#define INTEGER_MAX (G_GINT64_CONSTANT(1) << 53) /* RFC 8785 section 3.2.2.3: what an IEEE double holds exactly */

static gboolean write_value(GString *out, const json_t *value, guint depth, GError **error);

static void write_string(GString *out, const char *text, gsize n) {
  static const char names[] = {[8] = 'b', [9] = 't', [10] = 'n', [12] = 'f', [13] = 'r'};
  g_string_append_c(out, '"');
  for (gsize i = 0; i < n; i++) {
    const guint8 c = (guint8)text[i];
    if (c == '"' || c == '\\') {
      g_string_append_c(out, '\\');
      g_string_append_c(out, (char)c);
    } else if (c < sizeof names && names[c]) {
      g_string_append_c(out, '\\');
      g_string_append_c(out, names[c]);
    } else if (c < 0x20) {
      g_string_append_printf(out, "\\u%04x", c);
    } else {
      g_string_append_c(out, (char)c);
    }
  }
  g_string_append_c(out, '"');
}

/* RFC 8785 section 3.2.3: names are sorted by their UTF-16 code units, which differs from UTF-8 order above U+FFFF. */
static gint compare_names(gconstpointer a, gconstpointer b) {
  g_autofree gunichar2 *x = g_utf8_to_utf16(*(const char *const *)a, -1, NULL, NULL, NULL);
  g_autofree gunichar2 *y = g_utf8_to_utf16(*(const char *const *)b, -1, NULL, NULL, NULL);
  gsize i = 0;
  while (x && y && x[i] && x[i] == y[i])
    i++;
  return x && y ? (gint)x[i] - (gint)y[i] : strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean write_object(GString *out, const json_t *object, guint depth, GError **error) {
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) g_ptr_array_add(names, (gpointer)name);
  g_ptr_array_sort(names, compare_names);
  g_string_append_c(out, '{');
  for (guint i = 0; i < names->len; i++) {
    name = names->pdata[i];
    if (i)
      g_string_append_c(out, ',');
    write_string(out, name, strlen(name));
    g_string_append_c(out, ':');
    if (!write_value(out, json_object_get(object, name), depth + 1, error))
      return FALSE;
  }
  g_string_append_c(out, '}');
  return TRUE;
}

static gboolean write_array(GString *out, const json_t *array, guint depth, GError **error) {
  g_string_append_c(out, '[');
  for (gsize i = 0; i < json_array_size(array); i++) {
    if (i)
      g_string_append_c(out, ',');
    if (!write_value(out, json_array_get(array, i), depth + 1, error))
      return FALSE;
  }
  g_string_append_c(out, ']');
  return TRUE;
}

static gboolean refuse(GError **error, const char *what) {
  g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL, what);
  return FALSE;
}

static gboolean write_integer(GString *out, json_int_t number, GError **error) {
  if (number > INTEGER_MAX || number < -INTEGER_MAX)
    return refuse(error, "an integer beyond 2^53 has no canonical text");
  g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, number);
  return TRUE;
}

static gboolean write_value(GString *out, const json_t *value, guint depth, GError **error) {
  if (!value || depth > DEPTH_MAX)
    return refuse(error, value ? "JSON nested too deep" : "no JSON value");
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return write_object(out, value, depth, error);
  case JSON_ARRAY:
    return write_array(out, value, depth, error);
  case JSON_STRING:
    write_string(out, json_string_value(value), json_string_length(value));
    return TRUE;
  case JSON_INTEGER:
    return write_integer(out, json_integer_value(value), error);
  case JSON_REAL:
    return refuse(error, "only integers are canonical here");
  case JSON_TRUE:
    g_string_append(out, "true");
    return TRUE;
  case JSON_FALSE:
    g_string_append(out, "false");
    return TRUE;
  case JSON_NULL:
    g_string_append(out, "null");
    return TRUE;
  }
  return refuse(error, "unknown kind of JSON value");
}

char *ledger_canonical_json(const json_t *value, GError **error) {
  GString *out = g_string_new(NULL);
  if (!write_value(out, value, 0, error)) {
    g_string_free(out, TRUE);
    return NULL;
  }
  return g_string_free(out, FALSE);
}
