/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/recording/play.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/recording/clip.h"

#define TICK_US 1000

typedef struct Play {
  guint n;
  End **ends;
  ClipPlayer *players;
  gint64 worst_late_us;
} Play;

static void send_due(Play *now, gint64 now_us) {
  guint8 packet[CLIP_PACKET_BYTES];
  for (guint i = 0; i < now->n; i++) {
    gint64 due_us;
    while ((due_us = clip_player_due_us(&now->players[i])) <= now_us) {
      ClipTrack track;
      const gsize n = clip_player_next(&now->players[i], packet, &track);
      now->worst_late_us = MAX(now->worst_late_us, now_us - due_us);
      end_send_packet(now->ends[i], packet, n);
    }
  }
}

json_t *play(End **ends, guint n, const json_t *order, void (*step)(gpointer user, gint64 until_us), void (*say)(json_t *line),
             gpointer user) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Clip) clip = clip_load(json_string_value(json_object_get(order, "clip")), &error);
  if (clip == NULL)
    g_error("%s", error->message);
  const gint64 began_us = g_get_monotonic_time();
  const gint64 warm_us = began_us + json_integer_value(json_object_get(order, "warm_ms")) * 1000;
  const gint64 end_us = warm_us + json_integer_value(json_object_get(order, "ms")) * 1000;
  Play now = {.n = MIN(n, (guint)json_integer_value(json_object_get(order, "senders"))), .ends = ends};
  now.players = g_new0(ClipPlayer, now.n);
  for (guint i = 0; i < now.n; i++) /* at moments of their own: neither keyframes nor segments come all at once */
    now.players[i] =
        (ClipPlayer){.clip = clip, .begin_us = began_us + (gint64)i * CLIP_US / now.n, .ssrc = {end_ssrc(i, FALSE), end_ssrc(i, TRUE)}};
  gboolean warm = FALSE;
  for (gint64 now_us = began_us; now_us < end_us; now_us = g_get_monotonic_time()) {
    if (!warm && now_us >= warm_us) {
      warm = TRUE;
      now.worst_late_us = 0;
      say(json_pack("{s:b}", "warm", TRUE));
    }
    send_due(&now, now_us);
    do
      step(user, now_us + TICK_US);
    while (g_get_monotonic_time() < now_us + TICK_US);
  }
  say(json_pack("{s:b}", "measured", TRUE));
  json_t *frames = json_array();
  guint64 sent = 0;
  for (guint i = 0; i < now.n; i++) {
    json_array_append_new(frames, json_integer((json_int_t)now.players[i].frames));
    sent += now.players[i].next;
  }
  g_free(now.players);
  return json_pack("{s:I, s:o, s:f}", "sent", (json_int_t)sent, "frames", frames, "late_ms", (double)now.worst_late_us / 1000);
}
