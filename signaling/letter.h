/* SPDX-License-Identifier: Apache-2.0 */
/* A request as a letter to read, from a template in the disclosure's language: built in, or a platform's own (R1, R5).
 *
 * Threads: loaded at start, immutable afterwards; any thread.
 * A template is UTF-8 text, letter.LANGUAGE.txt, with {placeholders}; what the law and the rules want said cannot be left out of it:
 * {asker} {purpose} {use} {storage} {kept} {access} {third_parties} {rights} {statements} {controller} {contact} must stand in it,
 * {session} and {requested_at} may. A brace has no other use. */
#ifndef RECGATE_LETTER_H
#define RECGATE_LETTER_H

#include <glib.h>
#include <jansson.h>

#define LETTER_ERROR (letter_error_quark())
GQuark letter_error_quark(void);
typedef enum LetterError { LETTER_ERROR_FILE, LETTER_ERROR_TEMPLATE } LetterError;

#define LETTER_TEMPLATE_BYTES_MAX 16384 /* goes into every consent.ask, a frame of 256 KiB */

typedef struct Letters Letters;

/* directory NULL: the built-in ones. Its templates come before them, and may add languages. The error names file, line and placeholder. */
Letters *letters_load(const char *directory, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void letters_free(Letters *letters);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Letters, letters_free)

/* In the disclosure's language, else in English. disclosure is complete (disclosure_complete). g_free it. */
char *letters_write(const Letters *letters, const json_t *disclosure, const char *asker_name);

#endif
