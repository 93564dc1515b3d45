/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target defines; libFuzzer or replay.c calls it. Aborts where a promise does not hold: by g_assert, or by
 * fuzz_found with a reason. Not by g_error, whose SIGTRAP libFuzzer does not catch: the input would be lost. */
#ifndef RECGATE_FUZZ_H
#define RECGATE_FUZZ_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define fuzz_found(...) (g_printerr(__VA_ARGS__), g_printerr("\n"), abort())

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
