/* SPDX-License-Identifier: Apache-2.0 */
/* A file that recgatectl writes: whole under its name, or not there at all.
 *
 * Threads: main only. */
#ifndef RECGATE_RECGATECTL_OUTPUT_H
#define RECGATE_RECGATECTL_OUTPUT_H

#include "signaling/recgatectl.h"

typedef struct CtlOutput {
  int fd;
  char *path, *part; /* NULL: standard output */
  guint64 n_bytes;
  int failed_errno;
} CtlOutput;

/* -o FILE, or `initial`; -o - is standard output. An existing file is refused without --force. */
gboolean ctl_output_open(CtlOutput *output, const CtlOptions *options, const char *initial, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ctl_output_write(const guint8 *bytes, gsize n, gpointer output) G_GNUC_WARN_UNUSED_RESULT; /* FALSE: failed_errno says why */
gboolean ctl_output_finish(CtlOutput *output, gboolean force, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ctl_output_clear(CtlOutput *output);
gboolean ctl_output_failed(const CtlOutput *output, GError **error); /* always FALSE; of a failed write */

#endif
