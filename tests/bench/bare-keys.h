/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP with keys that everybody knows: for the bare loop, which measures what forwarding costs without ICE, DTLS or a gate.
 *
 * Threads: one. */
#ifndef RECGATE_BENCH_BARE_KEYS_H
#define RECGATE_BENCH_BARE_KEYS_H

#include <glib.h>

typedef struct BareKeys BareKeys;
BareKeys *bare_keys_new(gboolean aead);
void bare_keys_free(BareKeys *keys);
/* In place; packet has room for a trailer. FALSE: refused. */
gboolean bare_keys_seal(BareKeys *keys, guint8 *packet, gsize *n);
gboolean bare_keys_open(BareKeys *keys, guint8 *packet, gsize *n);

#endif
