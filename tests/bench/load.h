/* SPDX-License-Identifier: Apache-2.0 */
/* A load generator's one end of a call: a real WebRTC peer, or for the bare loop a socket with fixed SRTP keys. Sends paced packets that carry
 * the time they left, counts what comes, and how long it took.
 *
 * Threads: one. */
#ifndef RECGATE_BENCH_LOAD_H
#define RECGATE_BENCH_LOAD_H

#include <glib.h>

#define LATENCY_BUCKETS   4096 /* of LATENCY_BUCKET_US; the last one holds all that took longer */
#define LATENCY_BUCKET_US 25

typedef struct Tally {
  gint64 from_ns; /* packets that left earlier do not count */
  guint64 sent, received, latency[LATENCY_BUCKETS];
} Tally;

typedef struct End End;

/* aead: offer AES-GCM only, else AES-CM only. number: of this end; its SSRCs follow from it. */
End *end_new_webrtc(guint number, gboolean aead, const char *address, guint16 port);
End *end_new_bare(guint number, gboolean aead, const char *address, guint16 port);
void end_free(End *end);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(End, end_free)

/* For an SDP; NULL of a bare one. */
const char *end_ufrag(const End *end);
const char *end_pwd(const End *end);
const char *end_fingerprint(const End *end);
/* The server's ICE credentials are known, and the port if it has one for each end (0: the one of end_new): checks begin. A bare end says hello. */
void end_connect(End *end, const char *remote_ufrag, const char *remote_pwd, guint16 port);
gboolean end_is_connected(const End *end);

int end_fd(const End *end);
void end_step(End *end); /* reads what is there, sends checks that are due */
/* One RTP packet: of VP8 with so many bytes in all (40 at least; three are a picture, a keyframe when one was asked for), or each third time a
 * small one of Opus. Enough of both for a recorder, none of it to look at. */
void end_send(End *end, gsize video_bytes);
void end_send_packet(End *end, const guint8 *packet, gsize n); /* this very one, uncounted */
guint32 end_ssrc(guint number, gboolean video); /* for an SDP */
void end_count(End *end, Tally *tally); /* where to count from now on; NULL: nowhere */

#endif
