/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/recording/clip.h"

#include <gio/gio.h>
#include <string.h>

#define HEADER_BYTES 12
#define FRAME_RTP    3000 /* 90,000 Hz at 30 frames a second */
#define SOUND_RTP    960  /* 48,000 Hz, 20 ms */
#define FRAME_US     (G_USEC_PER_SEC / 30.0)
#define SOUND_US     20000

typedef struct ClipPacket {
  gint64 at_us;
  ClipTrack track;
  guint number; /* of its track */
  guint rtp;    /* time since the clip's beginning */
  gsize n;
  const guint8 *bytes;
} ClipPacket;

struct Clip {
  guint8 *file;
  GArray *packets; /* in order of at_us */
  guint n[CLIP_TRACKS];
};

static gboolean has_marker(const ClipPacket *packet) {
  return (packet->bytes[1] & 0x80) != 0;
}

static gboolean read_packets(Clip *clip, gsize bytes) {
  for (gsize at = 0; at + 3 <= bytes;) {
    guint16 n;
    memcpy(&n, clip->file + at, sizeof n);
    ClipPacket packet = {.n = n, .track = clip->file[at + 2], .bytes = clip->file + at + 3};
    if (packet.track >= CLIP_TRACKS || n < HEADER_BYTES + 4 || n > CLIP_PACKET_BYTES || at + 3 + n > bytes)
      return FALSE;
    packet.number = clip->n[packet.track]++;
    g_array_append_val(clip->packets, packet);
    at += 3 + n;
  }
  return TRUE;
}

/* A frame's packets leave evenly over its duration. FALSE: not the frames and sounds that a clip has. */
static gboolean time_packets(Clip *clip) {
  guint frame = 0, first = 0;
  for (guint i = 0; i < clip->packets->len; i++) {
    ClipPacket *packet = &g_array_index(clip->packets, ClipPacket, i);
    if (packet->track == CLIP_AUDIO) {
      packet->at_us = (gint64)packet->number * SOUND_US;
      packet->rtp = packet->number * SOUND_RTP;
      continue;
    }
    if (!has_marker(packet))
      continue;
    for (guint of = 0, n = packet->number - first + 1; of < n; of++) {
      ClipPacket *part = packet - (n - 1 - of); /* the file holds a track's packets in one piece */
      part->at_us = (gint64)((frame + (double)of / n) * FRAME_US);
      part->rtp = frame * FRAME_RTP;
    }
    first = packet->number + 1;
    frame++;
  }
  return frame == CLIP_FRAMES && first == clip->n[CLIP_VIDEO] && clip->n[CLIP_AUDIO] == CLIP_SOUNDS;
}

static gint compare(gconstpointer a, gconstpointer b) {
  const ClipPacket *one = a, *two = b;
  return one->at_us != two->at_us ? (one->at_us < two->at_us ? -1 : 1) : (one->number < two->number ? -1 : one->number > two->number);
}

Clip *clip_load(const char *path, GError **error) {
  g_autoptr(Clip) clip = g_new0(Clip, 1);
  gsize bytes;
  clip->packets = g_array_new(FALSE, FALSE, sizeof(ClipPacket));
  if (!g_file_get_contents(path, (char **)&clip->file, &bytes, error))
    return NULL;
  if (!read_packets(clip, bytes) || !time_packets(clip)) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s is no clip", path);
    return NULL;
  }
  g_array_sort(clip->packets, compare);
  return g_steal_pointer(&clip);
}

void clip_free(Clip *clip) {
  if (clip == NULL)
    return;
  g_array_unref(clip->packets);
  g_free(clip->file);
  g_free(clip);
}

static const ClipPacket *next_packet(const ClipPlayer *player, guint64 *round) {
  *round = player->next / player->clip->packets->len;
  return &g_array_index(player->clip->packets, ClipPacket, player->next % player->clip->packets->len);
}

gint64 clip_player_due_us(const ClipPlayer *player) {
  guint64 round;
  const ClipPacket *packet = next_packet(player, &round);
  return player->begin_us + (gint64)round * CLIP_US + packet->at_us;
}

static void put(guint8 *out, guint64 value, guint n) {
  for (guint i = 0; i < n; i++)
    out[i] = (guint8)(value >> 8 * (n - 1 - i));
}

/* The 15-bit PictureID (RFC 7741 section 4.2) goes on where the round before ended. */
static void count_picture(guint8 *payload, guint64 round) {
  const guint id = (guint)(payload[2] & 0x7f) << 8 | payload[3];
  put(payload + 2, 0x8000 | ((id + round * CLIP_FRAMES) & 0x7fff), 2);
}

gsize clip_player_next(ClipPlayer *player, guint8 *out, ClipTrack *track) {
  guint64 round;
  const ClipPacket *packet = next_packet(player, &round);
  const gboolean video = packet->track == CLIP_VIDEO;
  memcpy(out, packet->bytes, packet->n);
  put(out + 2, packet->number + round * player->clip->n[packet->track], 2);
  put(out + 4, packet->rtp + round * (video ? CLIP_FRAMES * FRAME_RTP : CLIP_SOUNDS * SOUND_RTP), 4);
  put(out + 8, player->ssrc[packet->track], 4);
  if (video)
    count_picture(out + HEADER_BYTES, round);
  player->next++;
  player->sent[packet->track]++;
  player->frames += video && has_marker(packet);
  player->bytes += packet->n - HEADER_BYTES;
  *track = packet->track;
  return packet->n;
}
