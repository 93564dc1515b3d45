/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of calls that send true media: each plays a clip at its own pace.
 *
 * Threads: one. */
#ifndef RECGATE_BENCH_PLAY_H
#define RECGATE_BENCH_PLAY_H

#include <jansson.h>

#include "tests/bench/load.h"

/* order: {"clip": its file, "senders": of the ends the first so many, "warm_ms", "ms"}. step(user, until_us) reads what has come, until then at most.
 * say({"warm"}) when warm_ms have passed and ms are left, say({"measured"}) after them; then the answer {"sent", "frames": of each, "late_ms"}. */
json_t *play(End **ends, guint n, const json_t *order, void (*step)(gpointer user, gint64 until_us), void (*say)(json_t *line), gpointer user);

#endif
