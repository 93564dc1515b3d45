/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs: see codec.h. */
#include "pipelines/recording/codec.h"

#include "pipelines/recording/picture.h"
#include "pipelines/recording/rtp.h"

/* H.264 with four bytes of length before each unit. What stands before the first picture tells: parameters, then an IDR picture. The parser
 * calls other intra pictures keyframes as well. */
static gboolean h264_plays_alone(const guint8 *frame, gsize n) {
  gboolean parameters = FALSE;
  for (gsize at = 0; n - at > 4;) {
    const gsize length = (gsize)frame[at] << 24 | (gsize)frame[at + 1] << 16 | (gsize)frame[at + 2] << 8 | frame[at + 3];
    const guint8 type = frame[at + 4] & 0x1f;
    if (length == 0 || length > n - at - 4)
      return FALSE;
    if (type >= 1 && type <= 5)
      return type == 5 && parameters;
    parameters = parameters || type == 7;
    at += 4 + length;
  }
  return FALSE;
}

/* A fragment (FU-A) without its end bit stays in the depayloader, whatever the marker says. */
static gboolean h264_ends(const guint8 *payload, gsize n) {
  return n < 2 || (payload[0] & 0x1f) != 28 || (payload[1] & 0x40) != 0;
}

/* A keyframe says it, and all that build on it have it. */
static gboolean vp8_fits(const guint8 *frame, gsize n) {
  return n < 10 || (frame[0] & 1) != 0 || picture_vp8_pixels(frame, n) != 0;
}

/* H.264 is recorded as avc3: its parameters stand in the stream, with each IDR picture, so that a segment plays alone and a change of size
 * needs no other header. The depayloader joins a frame's units, so the parser is given whole frames and has nothing to wait for. */
static const Codec codecs[] = {
    {.word = "opus",
     .medium = "audio",
     .encoding_name = "OPUS",
     .media_type = "audio/x-opus",
     .depayload = "rtpopusdepay name=depay",
     .decode = "opusdec name=decoder",
     .webm = TRUE,
     .plausible = rtp_opus_plausible},
    {.word = "vp8",
     .medium = "video",
     .encoding_name = "VP8",
     .media_type = "video/x-vp8",
     .depayload = "rtpvp8depay name=depay",
     .decode = "vp8dec name=decoder",
     .webm = TRUE,
     .begins_keyframe = rtp_vp8_begins_keyframe,
     .fits = vp8_fits,
     .plausible = rtp_vp8_plausible},
    {.word = "vp9",
     .medium = "video",
     .encoding_name = "VP9",
     .media_type = "video/x-vp9",
     .depayload = "rtpvp9depay name=depay ! vp9parse ! capsfilter caps=video/x-vp9,alignment=super-frame",
     .decode = "vp9parse ! capsfilter caps=video/x-vp9,alignment=super-frame ! vp9dec name=decoder",
     .webm = TRUE,
     .holds = TRUE,
     .begins_keyframe = rtp_vp9_begins_keyframe,
     .plausible = rtp_vp9_plausible},
    {.word = "h264",
     .medium = "video",
     .encoding_name = "H264",
     .media_type = "video/x-h264",
     .depayload = "rtph264depay name=depay ! capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au ! "
                  "h264parse config-interval=-1 ! capsfilter caps=video/x-h264,stream-format=avc3,alignment=au",
     .decode = "h264parse ! openh264dec name=decoder",
     .holds = TRUE,
     .begins_keyframe = rtp_h264_begins_keyframe,
     .plausible = rtp_h264_plausible,
     .ends = h264_ends,
     .plays_alone = h264_plays_alone},
};

const Codec *codec_find(const char *medium, const char *word) {
  for (gsize i = 0; i < G_N_ELEMENTS(codecs); i++)
    if (g_strcmp0(codecs[i].medium, medium) == 0 && g_strcmp0(codecs[i].word, word) == 0)
      return &codecs[i];
  return NULL;
}

const Codec *codec_of_media_type(const char *media_type) {
  for (gsize i = 0; i < G_N_ELEMENTS(codecs); i++)
    if (g_strcmp0(codecs[i].media_type, media_type) == 0)
      return &codecs[i];
  return NULL;
}

gboolean codec_takes_caps(GstCaps *caps) {
  const GstStructure *structure = gst_caps_get_structure(caps, 0);
  gint width = 0, height = 0;
  if (!g_str_has_prefix(gst_structure_get_name(structure), "video/"))
    return TRUE;
  return gst_structure_get_int(structure, "width", &width) && gst_structure_get_int(structure, "height", &height) &&
         picture_takes((guint)width, (guint)height);
}
