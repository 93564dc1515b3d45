/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target defines; libFuzzer or replay.c calls it. Aborts (g_assert) where a promise does not hold. */
#ifndef RECGATE_FUZZ_H
#define RECGATE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
