/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: which track of one side a packet belongs to. Declared by a=ssrc, else latched from the MID header extension (RFC 9143
 * section 9.2), which browsers stop sending early. Bounded (fault 9); what was declared is never moved by a packet (fault 10).
 *
 * Threads: worker thread. */
#ifndef RECGATE_SSRC_MAP_H
#define RECGATE_SSRC_MAP_H

#include "pipelines/relay/call.h"
#include "pipelines/relay/keyframe.h"
#include "pipelines/relay/sequence.h"

/* SSRCs of one side: 64 sections never declare that many in practice; a full table forwards the rest, and taps none of it. */
#define SSRC_MAP_MAX 256

typedef struct RelayTrack { /* one section of the agreed descriptions, as its sender sees it. First what every packet looks at: one cache line */
  guint64 media_pts[2];          /* bits: negotiated payload types that share the media's SSRC (all but RTX and FlexFEC) */
  guint32 media_ssrc;            /* of its last media packet; 0: none yet */
  guint32 number;                /* of its tap; 0: none */
  guint64 other_pts[2];          /* bits: of media_pts those of other codecs than the one in `call` */
  gint64 codec_us;               /* when a packet of that one last came; 0: none yet */
  CallTrack call;                /* first whether it is simulcast */
  GArray *ssrcs;                 /* guint32, declared */
  gboolean sends, rtcp_rsize;
  guint8 mid_ext_id, rid_ext_id, repaired_rid_ext_id;
  guint8 repaired_pt[128];       /* of an RTX payload type: the one that it sends again; 0: it is no RTX */
  GArray *repairs;               /* SdpRepair, declared */
  GArray *codecs;                /* CallTrack, one for each negotiated codec; the first is what the answer prefers */
} RelayTrack;
void relay_track_clear(gpointer track); /* for GArray */

typedef struct SsrcEntry { /* two cache lines; most packets look at the first alone */
  guint32 ssrc;
  gint track;                    /* index in the tracks; -1: none */
  Sequence sequence;             /* of media */
  guint32 packet_take;           /* the last take that a packet of this SSRC entered; 0: none */
  guint32 report_take;           /* the last take that got a report of this SSRC; 0: none */
  gboolean media;                /* has carried a payload type of the media */
  gboolean has_report;
  guint64 ntp;                   /* the last sender report: timing, kept while the gate is closed (R9) */
  gint64 report_us;
  guint32 rtp_time;
  guint32 repairs;               /* declared RTX (a=ssrc-group:FID): of this SSRC; 0: not declared */
  Keyframe keyframe;             /* outlives taps: the pace is the source's (fault 12) */
  gboolean declared;
  char rid[17];                  /* of simulcast, latched: rtp-stream-id of media, repaired-rtp-stream-id of RTX (RFC 8852); "": none seen */
} SsrcEntry;

typedef struct SsrcMap {
  GArray *tracks;
  RelayTrack *first;             /* of the tracks */
  SsrcEntry *entries;            /* move when one is added */
  guint n, room, last;
} SsrcMap;
void ssrc_map_init(SsrcMap *map);
void ssrc_map_clear(SsrcMap *map);
/* Takes the tracks. Latched SSRCs stay with the section of their mid, reports with their SSRC; a tap stays only where its track is sent on
 * unchanged: another codec or payload type is a new track, for which control sets a tap anew (R9: a new take). */
void ssrc_map_set_tracks(SsrcMap *map, GArray *tracks);
/* The entry of an RTP packet's SSRC, latched if it is new and has a MID. NULL: belongs to no track. */
SsrcEntry *ssrc_map_packet(SsrcMap *map, guint32 ssrc, const guint8 *packet, gsize n);
SsrcEntry *ssrc_map_find(SsrcMap *map, guint32 ssrc);
/* The media that an RTX SSRC sends again: as declared, of the same rid, or the only one of its track. NULL: not certain. */
SsrcEntry *ssrc_map_repaired(SsrcMap *map, const SsrcEntry *rtx);
RelayTrack *ssrc_map_track(SsrcMap *map, const SsrcEntry *entry);
RelayTrack *ssrc_map_mid(SsrcMap *map, const char *mid);
gboolean relay_track_has_pt(const RelayTrack *track, guint8 pt);
gboolean pts_have(const guint64 pts[2], guint8 pt);
/* `call` becomes the codec that this payload type is of. FALSE: it was, or none is. */
gboolean relay_track_use_pt(RelayTrack *track, guint8 pt);

#endif
