/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs that can be recorded: the one table of what each needs between RTP and Matroska, and back.
 *
 * Threads: any, constant data. RFC 7741 (VP8), RFC 9628 (VP9), RFC 6184 (H.264), RFC 7587 (Opus).
 * AV1 is not among them: Debian 12's GStreamer has no depayloader for it. */
#ifndef RECGATE_CODEC_H
#define RECGATE_CODEC_H

#include <gst/gst.h>

typedef struct Codec {
  const char *word, *medium;     /* as in SDP, lower case; the vault keeps the word */
  const char *encoding_name;     /* of application/x-rtp caps */
  const char *media_type;        /* of the caps that muxer and demuxer name */
  const char *depayload;         /* elements from RTP to the muxer: the first is called `depay`; none has a thread or keeps a whole frame back */
  const char *decode;            /* elements from the demuxer's frames to raw: the last is called `decoder` */
  gboolean webm;                 /* a WebM may hold it; else the file is a Matroska */
  gboolean holds;                /* the depayloader may give a frame out only with a later frame's packet: its last one was lost */
  gboolean (*plausible)(const guint8 *payload, gsize n);  /* an RTP payload that the depayloader may be given (fault 11) */
  gboolean (*begins_keyframe)(const guint8 *payload, gsize n, guint32 *pixels); /* rtp.h; NULL: of audio */
  gboolean (*ends)(const guint8 *payload, gsize n);       /* with its marker, and a frame given out, nothing is left; NULL: nothing is with any marker */
  gboolean (*fits)(const guint8 *frame, gsize n);         /* is its size taken? NULL: the caps before it tell, as of codec_takes_caps */
  gboolean (*plays_alone)(const guint8 *frame, gsize n);  /* a frame that the parser calls a keyframe; NULL: all of those do */
} Codec;

/* NULL: it cannot be recorded. */
const Codec *codec_find(const char *medium, const char *word);
const Codec *codec_of_media_type(const char *media_type);
/* Do they name a size that is taken (picture.h)? Of sound, which has none: TRUE. */
gboolean codec_takes_caps(GstCaps *caps);

#endif
