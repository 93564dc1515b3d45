/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a clip (clip.h): a moving picture and a tone through GStreamer's encoders and payloaders.
 *
 * usage: bench-make-clip FILE. Prints {"audio_bytes", "video_bytes"} of its packets. */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <stdio.h>

#include "tests/bench/recording/clip.h"

/* Moving rings are hard enough that the encoder uses all of its 1.5 Mbit/s. The payload types are those of the load's SDP (relay/shared.mjs). */
static const char pipeline_text[] =
    "videotestsrc pattern=zone-plate kx2=12 ky2=12 kt=2 num-buffers=153 ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! "
    "vp8enc deadline=1 cpu-used=6 lag-in-frames=0 keyframe-max-dist=100000 target-bitrate=1640000 end-usage=cbr ! "
    "rtpvp8pay mtu=1200 picture-id-mode=15-bit pt=96 ! appsink name=video sync=false "
    "audiotestsrc wave=ticks samplesperbuffer=960 num-buffers=260 ! audio/x-raw,rate=48000,channels=2 ! "
    "opusenc bitrate-type=cbr bitrate=48000 frame-size=20 ! rtpopuspay pt=111 ! appsink name=audio sync=false";

/* Writes a track's packets up to its limit of frames or sounds; their bytes, 0 when it ended before. */
static gsize write_track(FILE *out, GstElement *pipeline, const char *name, ClipTrack track, guint limit) {
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), name);
  gsize bytes = 0;
  for (guint n = 0; n < limit;) {
    g_autoptr(GstSample) sample = gst_app_sink_pull_sample(GST_APP_SINK(sink));
    if (sample == NULL)
      return 0;
    GstMapInfo map;
    if (!gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ))
      return 0;
    const guint16 size = (guint16)map.size;
    const guint8 number = (guint8)track;
    fwrite(&size, sizeof size, 1, out);
    fwrite(&number, sizeof number, 1, out);
    fwrite(map.data, 1, map.size, out);
    n += track == CLIP_AUDIO || (map.data[1] & 0x80) != 0;
    bytes += map.size;
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  }
  return bytes;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  gst_init(NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(GstElement) pipeline = gst_parse_launch(pipeline_text, &error);
  FILE *out = pipeline != NULL ? fopen(argv[1], "wb") : NULL;
  if (out == NULL) {
    fprintf(stderr, "bench-make-clip: %s\n", error != NULL ? error->message : "cannot write the file");
    return 1;
  }
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const gsize video = write_track(out, pipeline, "video", CLIP_VIDEO, CLIP_FRAMES),
              audio = write_track(out, pipeline, "audio", CLIP_AUDIO, CLIP_SOUNDS);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  printf("{\"audio_bytes\": %zu, \"video_bytes\": %zu}\n", audio, video);
  return fclose(out) != 0 || audio == 0 || video == 0;
}
