/* SPDX-License-Identifier: Apache-2.0 */
/* Locked memory for the keys of open and provisional segments: never swapped, never in a core dump, wiped when given back (R17, fault 35).
 *
 * Threads: any. */
#ifndef RECGATE_VAULT_KEYARENA_H
#define RECGATE_VAULT_KEYARENA_H

#include "gate/vault/chunked.h"

/* One a segment: 4 people, 2 tracks, 30 s of unconfirmed 5 s segments are 56; 100 such calls fit. 128 bytes each: 1 MiB. */
#define KEYARENA_CELLS 8192

typedef struct KeyArena KeyArena;
typedef struct KeyCell {
  guint8 input_key[AEAD_KEY_BYTES];
  ChunkedKeys derived;
} KeyCell;

/* NULL and VAULT_ERROR_STORAGE when the memory cannot be locked. */
KeyArena *keyarena_new(GError **error) G_GNUC_WARN_UNUSED_RESULT;
void keyarena_free(KeyArena *arena);
KeyCell *keyarena_take(KeyArena *arena); /* zeroed; NULL: full */
void keyarena_give_back(KeyArena *arena, KeyCell *cell); /* wipes it; NULL allowed */

#endif
