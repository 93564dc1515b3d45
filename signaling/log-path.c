/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/log-path.h"

#include <string.h>

#define FULL_WIDTH   256
#define INDEX_DIGITS 18 /* more is beyond every log, and would overflow */

/* A decimal number without sign or additional zeroes, up to max; -1: not that. */
static gint64 number_parse(const char *text, gint64 max) {
  gint64 value = 0;
  if (!g_ascii_isdigit(*text) || (text[0] == '0' && text[1] != '\0'))
    return -1;
  for (; *text != '\0'; text++) {
    if (!g_ascii_isdigit(*text) || value > max)
      return -1;
    value = value * 10 + (*text - '0');
  }
  return value <= max ? value : -1;
}

static gboolean is_three_digits(const char *text) {
  return strlen(text) == 3 && g_ascii_isdigit(text[0]) && g_ascii_isdigit(text[1]) && g_ascii_isdigit(text[2]);
}

/* x001/x234/067; each index has one spelling. */
static gboolean index_parse(char *const *elements, guint n, guint64 *index) {
  guint64 value = 0;
  if (n == 0 || (n > 1 && g_str_equal(elements[0], "x000")))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    const gboolean last = i + 1 == n;
    const char *digits = last ? elements[i] : elements[i] + 1;
    if ((!last && elements[i][0] != 'x') || !is_three_digits(digits))
      return FALSE;
    value = n * 3 > INDEX_DIGITS ? G_MAXUINT64 : value * 1000 + (guint64)g_ascii_strtoull(digits, NULL, 10);
  }
  *index = value;
  return TRUE;
}

/* elements: what follows /tile/. */
static gboolean tile_parse(char **elements, LogPath *path, const char **why) {
  const guint n = g_strv_length(elements);
  path->width = FULL_WIDTH;
  path->kind = g_strcmp0(elements[0], "entries") == 0 ? LOG_PATH_ENTRIES : LOG_PATH_TILE;
  const gint64 level = n > 0 && path->kind == LOG_PATH_TILE ? number_parse(elements[0], LOG_PATH_LEVEL_MAX) : 0;
  if (n == 0 || level < 0) {
    *why = "A tile's level is a number from 0 to 63, or “entries”.";
    return FALSE;
  }
  path->level = (guint)level;
  guint n_index = n - 1;
  char *partial = n >= 3 ? elements[n - 2] : NULL;
  if (partial != NULL && g_str_has_suffix(partial, ".p")) {
    const gint64 width = number_parse(elements[n - 1], FULL_WIDTH - 1);
    if (width < 1) {
      *why = "A partial tile's width is a number from 1 to 255.";
      return FALSE;
    }
    path->width = (guint)width;
    partial[strlen(partial) - 2] = '\0';
    n_index--;
  }
  *why = "A tile's index is written in groups of three digits, each but the last behind an x: x001/x234/067.";
  return index_parse(elements + 1, n_index, &path->index);
}

gboolean log_path_parse(const char *rest, LogPath *path, const char **why, gboolean *known) {
  LogPath found = {0};
  *known = TRUE;
  if (g_str_equal(rest, "checkpoint"))
    found.kind = LOG_PATH_CHECKPOINT;
  else if (g_str_equal(rest, "key"))
    found.kind = LOG_PATH_KEY;
  else if (g_str_has_prefix(rest, "tile/")) {
    g_auto(GStrv) elements = g_strsplit(rest + strlen("tile/"), "/", -1);
    if (!tile_parse(elements, &found, why))
      return FALSE;
  } else if (g_str_has_prefix(rest, "proof/")) {
    const gint64 index = number_parse(rest + strlen("proof/"), G_MAXINT64 / 100);
    if (index < 0) {
      *why = "A proof is asked for by its leaf's number.";
      return FALSE;
    }
    found.kind = LOG_PATH_PROOF;
    found.index = (guint64)index;
  } else {
    *known = FALSE;
    *why = "The log has checkpoint, key, tile/… and proof/….";
    return FALSE;
  }
  *path = found;
  return TRUE;
}
