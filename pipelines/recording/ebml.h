/* SPDX-License-Identifier: Apache-2.0 */
/* EBML: the little of Matroska's structure (RFC 8794, RFC 9559) that cutting and joining streams needs.
 *
 * Threads: any, no state. */
#ifndef RECGATE_EBML_H
#define RECGATE_EBML_H

#include <glib.h>

/* Bytes before the first cluster: the stream header. FALSE: none begins within these bytes, or lengths do not hold together. */
gboolean ebml_header_bytes(const guint8 *bytes, gsize n, gsize *header) G_GNUC_WARN_UNUSED_RESULT;
/* A stream header with a Duration in its Info: a streamed file cannot be patched when its end is known. NULL: not such a header. */
GByteArray *ebml_add_duration(const guint8 *header, gsize n, double duration_ms) G_GNUC_WARN_UNUSED_RESULT;

#endif
