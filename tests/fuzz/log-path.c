/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a path of the log that is taken has no other spelling, but for what lies beyond every log (fault 18; c2sp.org/tlog-tiles). */
#include "signaling/log-path.h"
#include "tests/fuzz/fuzz.h"

static char *spell_index(guint64 index) {
  char *text = g_strdup_printf("%03u", (guint)(index % 1000));
  for (index /= 1000; index > 0; index /= 1000) {
    char *longer = g_strdup_printf("x%03u/%s", (guint)(index % 1000), text);
    g_free(text);
    text = longer;
  }
  return text;
}

static char *spell(const LogPath *path) {
  g_autofree char *index = spell_index(path->index);
  g_autofree char *partial = path->width < 256 ? g_strdup_printf(".p/%u", path->width) : g_strdup("");
  switch (path->kind) {
  case LOG_PATH_CHECKPOINT:
    return g_strdup("checkpoint");
  case LOG_PATH_KEY:
    return g_strdup("key");
  case LOG_PATH_TILE:
    return g_strdup_printf("tile/%u/%s%s", path->level, index, partial);
  case LOG_PATH_ENTRIES:
    return g_strdup_printf("tile/entries/%s%s", index, partial);
  case LOG_PATH_PROOF:
    return g_strdup_printf("proof/%" G_GUINT64_FORMAT, path->index);
  case LOG_PATH_NONE:
    break;
  }
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  g_autofree char *rest = g_strndup((const char *)data, size);
  LogPath path = {0};
  const char *why = NULL;
  gboolean known = FALSE;
  if (!log_path_parse(rest, &path, &why, &known)) {
    g_assert_true(why != NULL && path.kind == LOG_PATH_NONE);
    return 0;
  }
  g_autofree char *again = spell(&path);
  g_assert_true(path.level <= LOG_PATH_LEVEL_MAX);
  if (path.index != G_MAXUINT64)
    g_assert_cmpstr(again, ==, rest);
  return 0;
}
