/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON from outside: one door for WebSocket frames, HTTP bodies and tokens (fault 17).
 *
 * Threads: any.
 * The text's shape is counted before anything is allocated, so that 256 KiB of brackets cannot become tens of megabytes of objects. */
#ifndef RECGATE_JSON_H
#define RECGATE_JSON_H

#include <glib.h>
#include <jansson.h>

#define JSON_TEXT_BYTES_MAX (256 * 1024) /* PROTOCOL.md: a frame, a body */
#define JSON_DEPTH_MAX 32                /* the deepest message of ours has 5 */
#define JSON_CONTAINERS_MAX 512          /* an object costs about 250 bytes of heap: 128 KiB of them */
#define JSON_VALUES_MAX 2048             /* a pair costs about 130 bytes: 266 KiB of them */

#define JSON_TEXT_ERROR (json_text_error_quark())
GQuark json_text_error_quark(void);
typedef enum JsonTextError { JSON_TEXT_ERROR_SHAPE, JSON_TEXT_ERROR_SYNTAX } JsonTextError;

/* RFC 8259, one object: no duplicate names, no NUL, valid UTF-8, numbers that fit. New reference, or NULL and a one-line error. */
json_t *json_text_parse(const char *bytes, gsize n, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A string member without NUL, or NULL. Borrowed. */
const char *json_text_member(const json_t *object, const char *name);

#endif
