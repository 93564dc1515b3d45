/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/evidence/html.h"

#include <string.h>

#define RETURN_SYMBOL "\xe2\x8f\x8e" /* U+23CE */
#define REPLACEMENT   "\xef\xbf\xbd" /* U+FFFD */

static void append_escaped(GString *page, gunichar c) {
  switch (c) {
  case '<':
    g_string_append(page, "&lt;");
    break;
  case '>':
    g_string_append(page, "&gt;");
    break;
  case '&':
    g_string_append(page, "&amp;");
    break;
  case '"':
    g_string_append(page, "&quot;");
    break;
  case '\'':
    g_string_append(page, "&#39;");
    break;
  default:
    g_string_append_unichar(page, c);
  }
}

/* Bidirectional overrides and invisible characters count as well: what one reads must be what stands there. */
static gboolean is_hidden(gunichar c) {
  const GUnicodeType type = g_unichar_type(c);
  return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_SURROGATE || type == G_UNICODE_PRIVATE_USE ||
         type == G_UNICODE_UNASSIGNED || c == 0x2028 || c == 0x2029;
}

static void append(GString *page, const char *text, const char *line_end, void (*take)(GString *page, gunichar c)) {
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (c == '\n')
      g_string_append(page, line_end);
    else if (c == '\t')
      g_string_append_c(page, ' ');
    else if (is_hidden(c))
      g_string_append(page, REPLACEMENT);
    else
      take(page, c);
  }
}

static void append_plain(GString *page, gunichar c) {
  g_string_append_unichar(page, c);
}

void html_text(GString *page, const char *text) {
  append(page, text ? text : "\xe2\x80\x93", RETURN_SYMBOL, append_escaped);
}

void html_lines(GString *page, const char *text) {
  append(page, text ? text : "", "<br>", append_escaped);
}

char *html_plain(const char *text) {
  GString *plain = g_string_new(NULL);
  append(plain, text ? text : "", RETURN_SYMBOL, append_plain);
  return g_string_free(plain, FALSE);
}
