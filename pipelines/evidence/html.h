/* SPDX-License-Identifier: Apache-2.0 */
/* Text of others in a page of ours: escaped, and with what would move, hide or reverse characters shown as what it is (fault 38).
 *
 * Threads: any, no state. */
#ifndef RECGATE_EVIDENCE_HTML_H
#define RECGATE_EVIDENCE_HTML_H

#include <glib.h>

/* Appends text as HTML text. Line ends become U+23CE, other control and format characters U+FFFD; no byte of it is ever markup. NULL: a dash. */
void html_text(GString *page, const char *text);
/* The same with real line breaks kept, for what somebody wrote. */
void html_lines(GString *page, const char *text);
/* Plain text for a mail's lines and a terminal: one line, control and format characters as above. g_free it. */
char *html_plain(const char *text);

#endif
