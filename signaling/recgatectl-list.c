/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl sessions, segments: what the store holds, as JSON or as a table. */
#include <stdio.h>
#include <string.h>

#include "gate/vault/vault-reader.h"
#include "signaling/recgatectl.h"

typedef struct Column {
  const char *key, *title;
} Column;

/* Ids are plain by rule; names and texts may hold anything (fault 38). */
static char *cell_text(const json_t *value) {
  if (json_is_string(value)) {
    char *text = g_utf8_make_valid(json_string_value(value), -1);
    for (char *p = text; *p; p++)
      if (g_ascii_iscntrl(*p))
        *p = '?';
    return text;
  }
  if (!value || json_is_null(value))
    return g_strdup("-");
  if (json_is_array(value))
    return g_strdup_printf("%zu", json_array_size(value));
  char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  char *text = g_strdup(dumped ? dumped : "-");
  free(dumped);
  return text;
}

static int width_of(const json_t *rows, const Column *column) {
  glong width = g_utf8_strlen(column->title, -1);
  size_t i;
  json_t *row;
  json_array_foreach(rows, i, row) {
    g_autofree char *text = cell_text(json_object_get(row, column->key));
    width = MAX(width, g_utf8_strlen(text, -1));
  }
  return (int)width;
}

static void print_cell(const char *text, int width, gboolean last) {
  printf("%s%*s", text, last ? 0 : width - (int)g_utf8_strlen(text, -1) + 2, "");
}

static void print_table(const json_t *rows, const Column *columns, guint n) {
  g_autofree int *widths = g_new0(int, n);
  for (guint c = 0; c < n; c++) {
    widths[c] = width_of(rows, &columns[c]);
    print_cell(columns[c].title, widths[c], c + 1 == n);
  }
  putchar('\n');
  size_t i;
  json_t *row;
  json_array_foreach(rows, i, row) {
    for (guint c = 0; c < n; c++) {
      g_autofree char *text = cell_text(json_object_get(row, columns[c].key));
      print_cell(text, widths[c], c + 1 == n);
    }
    putchar('\n');
  }
}

void ctl_print_json(const json_t *value) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  if (text)
    puts(text);
  free(text);
}

static VaultReader *reader_open(const CtlOptions *options, GError **error) {
  if (!g_file_test(options->data, G_FILE_TEST_IS_DIR)) {
    g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s is not a data directory: give one with --data DIR", options->data);
    return NULL;
  }
  return vault_reader_open(options->data, NULL, error);
}

static void print_rows(const CtlOptions *options, const json_t *rows, const Column *columns, guint n) {
  if (options->json)
    ctl_print_json(rows);
  else
    print_table(rows, columns, n);
}

gboolean ctl_sessions(const CtlOptions *options, GError **error) {
  static const Column columns[] = {{"id", "SESSION"},        {"first", "FIRST"}, {"last", "LAST"},         {"participants", "PEOPLE"},
                                   {"requests", "REQUESTS"}, {"takes", "TAKES"}, {"segments", "SEGMENTS"}, {"bytes", "BYTES"}};
  g_autoptr(VaultReader) reader = reader_open(options, error);
  json_auto_t *rows = reader ? vault_reader_sessions(reader, error) : NULL;
  if (!rows)
    return FALSE;
  print_rows(options, rows, columns, G_N_ELEMENTS(columns));
  return TRUE;
}

gboolean ctl_segments(const CtlOptions *options, GError **error) {
  static const Column columns[] = {{"id", "ID"},         {"take", "TAKE"},   {"participant", "PARTICIPANT"},
                                   {"medium", "MEDIUM"}, {"seq", "SEQ"},     {"start", "START"},
                                   {"end", "END"},       {"bytes", "BYTES"}, {"state", "STATE"},
                                   {"reason", "REASON"}};
  if (!options->session)
    return ctl_refuse(error, CTL_ERROR_USAGE, "which session? recgatectl segments SESSION --data DIR");
  g_autoptr(VaultReader) reader = reader_open(options, error);
  json_auto_t *rows = reader ? vault_reader_segments(reader, options->session, error) : NULL;
  if (!rows)
    return FALSE;
  print_rows(options, rows, columns, G_N_ELEMENTS(columns));
  return TRUE;
}
