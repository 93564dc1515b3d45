/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of real browsers (fixtures/, made by Chromium and Firefox, addresses replaced) and hostile ones (fault 19). */
#include "pipelines/relay/sdp.h"

#include <string.h>

static const char *const addresses[] = {"203.0.113.5", "2001:db8:5::1", NULL};
#define GATE_FINGERPRINT "sha-256 00:11:22:33"

static char *fixture(const char *name) {
  g_autofree char *path = g_build_filename(g_getenv("FIXTURES"), name, NULL);
  char *text = NULL;
  g_autoptr(GError) error = NULL;
  if (!g_file_get_contents(path, &text, NULL, &error))
    g_error("%s", error->message);
  return text;
}

static SdpGate gate_of(SdpSetup setup) {
  return (SdpGate){.ufrag = "GATEufrag",
                   .pwd = "GATEpwd0123456789012345",
                   .fingerprint = GATE_FINGERPRINT,
                   .setup = setup,
                   .addresses = addresses,
                   .port = 8490};
}

static char *rewritten(const char *sdp, SdpType type) {
  SdpGate gate = gate_of(type == SDP_OFFER ? SDP_SETUP_ACTPASS : SDP_SETUP_PASSIVE);
  g_autoptr(GError) error = NULL;
  char *out = sdp_rewrite(sdp, type, &gate, &error);
  g_assert_no_error(error);
  g_assert_nonnull(out);
  return out;
}

/* Written apart from the code under test: a line that is the transport's, and so may differ. */
static gboolean is_transport_line(const char *line) {
  static const char *const starts[] = {
      "o=", "c=", "a=candidate:", "a=end-of-candidates", "a=ice-", "a=fingerprint:", "a=setup:", "a=rtcp:"};
  for (gsize i = 0; i < G_N_ELEMENTS(starts); i++)
    if (g_str_has_prefix(line, starts[i]))
      return TRUE;
  return FALSE;
}

static GPtrArray *kept_lines(const char *sdp) {
  GPtrArray *kept = g_ptr_array_new_with_free_func(g_free);
  g_auto(GStrv) lines = g_strsplit(sdp, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    char *line = g_strchomp(lines[i]);
    if (*line == '\0' || is_transport_line(line))
      continue;
    char *space = g_str_has_prefix(line, "m=") ? strchr(line, ' ') : NULL;
    if (space == NULL)
      g_ptr_array_add(kept, g_strdup(line));
    else /* a live port becomes the gate's, 0 stays */
      g_ptr_array_add(kept, g_strdup_printf("%.*s %s%s", (int)(space - line), line, space[1] == '0' ? "0" : "P", strchr(space + 1, ' ')));
  }
  return kept;
}

static guint count(const char *text, const char *part) {
  guint n = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
    n++;
  return n;
}

static void check_fixture(const char *name, SdpType type) {
  g_autofree char *before = fixture(name), *after = rewritten(before, type);
  g_autoptr(GPtrArray) was = kept_lines(before), is = kept_lines(after);
  for (guint i = 0; i < MIN(was->len, is->len); i++)
    g_assert_cmpstr(was->pdata[i], ==, is->pdata[i]);
  g_assert_cmpuint(was->len, ==, is->len);

  /* No trace of the sender's transport. */
  g_autoptr(GError) error = NULL;
  g_autoptr(SdpInfo) info = sdp_read(before, type, &error);
  g_assert_no_error(error);
  g_assert_null(strstr(after, "198.51.100.7"));
  g_assert_null(strstr(after, "2001:db8::7"));
  g_assert_null(strstr(after, info->pwd));
  g_assert_null(strstr(after, info->fingerprints));
  g_autofree char *ufrag = g_strconcat("ice-ufrag:", info->ufrag, NULL);
  g_assert_null(strstr(after, ufrag));
  g_assert_cmpuint(count(after, "typ host"), ==, 2 * count(after, " 8490 ") / 3); /* per section: two candidates and the m= line */

  g_autoptr(SdpInfo) seen = sdp_read(after, type, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(seen->ufrag, ==, "GATEufrag");
  g_assert_cmpstr(seen->fingerprints, ==, GATE_FINGERPRINT);
  g_assert_cmpint(seen->setup, ==, type == SDP_OFFER ? SDP_SETUP_ACTPASS : SDP_SETUP_PASSIVE);
  g_assert_cmpuint(count(after, "a=ice-lite"), ==, 1);
  g_assert_true(sdp_is_ice_lite(after, type) && !sdp_is_ice_lite(before, type) && !sdp_is_ice_lite("v=0", type));
  g_assert_cmpuint(count(after, "a=setup:"), ==, count(after, "a=ice-pwd:"));
}

static void test_browsers(void) {
  static const char *const browsers[] = {"chromium", "firefox"};
  for (guint a = 0; a < 2; a++) {
    for (guint b = 0; b < 2; b++) {
      g_autofree char *offer = g_strdup_printf("%s-offer-to-%s.sdp", browsers[a], browsers[b]);
      g_autofree char *answer = g_strdup_printf("%s-answer-to-%s.sdp", browsers[a], browsers[b]);
      check_fixture(offer, SDP_OFFER);
      check_fixture(answer, SDP_ANSWER);
    }
    g_autofree char *balanced = g_strdup_printf("%s-balanced-offer.sdp", browsers[a]);
    g_autofree char *restart = g_strdup_printf("%s-restart-offer.sdp", browsers[a]);
    check_fixture(balanced, SDP_OFFER);
    check_fixture(restart, SDP_OFFER);
  }
}

static const SdpPayload *payload(const SdpTrack *track, const char *codec) {
  for (guint i = 0; i < track->payloads->len; i++)
    if (strcmp(g_array_index(track->payloads, SdpPayload, i).codec, codec) == 0)
      return &g_array_index(track->payloads, SdpPayload, i);
  g_error("no %s in %s", codec, track->mid);
}

static void test_read_firefox_answer(void) {
  g_autofree char *sdp = fixture("firefox-answer-to-chromium.sdp");
  g_autoptr(SdpInfo) info = sdp_read(sdp, SDP_ANSWER, NULL);
  g_assert_cmpint(info->setup, ==, SDP_SETUP_ACTIVE);
  g_assert_true(g_str_has_prefix(info->fingerprints, "sha-256 ")); /* Firefox: at session level */
  g_assert_cmpuint(info->tracks->len, ==, 2);
  const SdpTrack *audio = info->tracks->pdata[0], *video = info->tracks->pdata[1];
  g_assert_cmpuint(payload(audio, "opus")->pt, ==, 111);
  g_assert_cmpuint(payload(audio, "opus")->clock_rate, ==, 48000);
  g_assert_cmpuint(payload(audio, "pcmu")->pt, ==, 0);
  g_assert_cmpuint(payload(video, "vp8")->pt, ==, 96);
  g_assert_true(payload(video, "rtx")->has_apt);
  g_assert_cmpuint(payload(video, "rtx")->apt, ==, 96);
  g_assert_cmpuint(payload(video, "ulpfec")->pt, ==, 120);
  g_assert_cmpuint(video->ssrcs->len, ==, 2);
  g_assert_cmpuint(g_array_index(video->ssrcs, guint32, 0), ==, 3636895031u);
  g_assert_true(video->sends && video->receives && video->rtcp_rsize && video->has_pli);
  g_assert_cmpuint(video->mid_ext_id, >, 0);
  g_assert_false(audio->rtcp_rsize);
}

/* Which SSRC and which header extension says what a retransmission sends again. */
static void test_read_repairs(void) {
  g_autofree char *sdp = fixture("chromium-offer-to-firefox.sdp");
  g_autoptr(SdpInfo) info = sdp_read(sdp, SDP_OFFER, NULL);
  const SdpTrack *audio = info->tracks->pdata[0], *video = info->tracks->pdata[1];
  g_assert_cmpuint(audio->repairs->len, ==, 0);
  g_assert_cmpuint(video->repairs->len, ==, 1);
  const SdpRepair *repair = &g_array_index(video->repairs, SdpRepair, 0);
  g_assert_cmpuint(repair->media, ==, g_array_index(video->ssrcs, guint32, 0));
  g_assert_cmpuint(repair->rtx, ==, g_array_index(video->ssrcs, guint32, 1));
  g_assert_cmpuint(video->rid_ext_id, ==, 10);
  g_assert_cmpuint(video->repaired_rid_ext_id, ==, 11);
  g_assert_cmpuint(audio->rid_ext_id, ==, 0);
}

static void test_read_bundle_only(void) {
  g_autofree char *sdp = fixture("firefox-balanced-offer.sdp");
  g_autoptr(SdpInfo) info = sdp_read(sdp, SDP_OFFER, NULL);
  const SdpTrack *third = info->tracks->pdata[2];
  g_assert_false(third->sends);
  g_assert_true(third->receives); /* port 0, and not rejected */
  g_autofree char *after = rewritten(sdp, SDP_OFFER);
  g_assert_nonnull(strstr(after, "m=video 0 UDP"));
}

#define HEAD       "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define TRANSPORT  "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n"
#define AUDIO(mid) "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:" mid "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"

static void refuse(const char *sdp, SdpError code) {
  SdpGate gate = gate_of(SDP_SETUP_ACTPASS);
  g_autoptr(GError) error = NULL, again = NULL;
  gint64 best_us = G_MAXINT64; /* of three: a busy machine is not the parser's fault */
  for (guint i = 0; i < 3; i++) {
    g_clear_error(&error);
    gint64 start_us = g_get_monotonic_time();
    g_assert_null(sdp_read(sdp, SDP_OFFER, &error));
    best_us = MIN(best_us, g_get_monotonic_time() - start_us);
  }
  g_assert_error(error, SDP_ERROR, (gint)code);
  g_test_message("refused in %" G_GINT64_FORMAT " us: %s", best_us, error->message);
  if (g_getenv("RECGATE_UNTIMED") == NULL)
    g_assert_cmpint(best_us, <, 3000);
  char *out = sdp_rewrite(sdp, SDP_OFFER, &gate, &again);
  g_assert_true(out == NULL ||
                code == SDP_ERROR_UNSUPPORTED); /* a description without its own transport is still one that can be rewritten */
  g_free(out);
}

static char *repeated(const char *head, const char *format, guint n) {
  GString *text = g_string_new(head);
  for (guint i = 0; i < n; i++) {
    g_autofree char *number = g_strdup_printf("%u", i);
    g_auto(GStrv) parts = g_strsplit(format, "#", -1);
    g_autofree char *line = g_strjoinv(number, parts);
    g_string_append(text, line);
  }
  return g_string_free(text, FALSE);
}

/* Fault 19 */
static void test_hostile(void) {
  g_autofree char *lines = repeated(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT, "a=x:#\r\n", 100000);
  g_autofree char *short_lines = repeated(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT, "a=x\r\n", 5000);
  g_autofree char *sections = repeated(HEAD, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:#\r\n", 10000);
  g_autofree char *few_sections = repeated(HEAD, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:#\r\n", 65);
  g_autofree char *spaced = repeated(HEAD, " m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:#\r\n", 65);
  g_autofree char *same_mids = repeated(HEAD "a=group:BUNDLE 0\r\n", AUDIO("0") TRANSPORT, 60);
  g_autofree char *groups = repeated(HEAD, "a=group:BUNDLE #\r\n", 3000);
  g_autofree char *two_groups = g_strconcat(groups, AUDIO("0") TRANSPORT, NULL);
  refuse(lines, SDP_ERROR_TOO_LARGE);
  refuse(short_lines, SDP_ERROR_TOO_LARGE);
  refuse(sections, SDP_ERROR_TOO_LARGE);
  refuse(few_sections, SDP_ERROR_TOO_LARGE);
  refuse(spaced, SDP_ERROR_MALFORMED);
  refuse(same_mids, SDP_ERROR_MALFORMED);
  refuse(two_groups, SDP_ERROR_UNSUPPORTED);
  refuse("", SDP_ERROR_MALFORMED);
  refuse("hello", SDP_ERROR_MALFORMED);
  refuse(HEAD "a=x\ra=candidate:1 1 udp 1 198.51.100.7 1 typ host\r\n", SDP_ERROR_MALFORMED);
  refuse(HEAD "a=\x01\r\n", SDP_ERROR_MALFORMED);
  refuse(HEAD "a=\xff\xfe\r\n", SDP_ERROR_MALFORMED);
}

/* What GstSDP takes anywhere, and the last of several, so that another reader would see another description. */
static void test_lines(void) {
  static const char *const more[] = {
      "v=0\r\n",     "v=1\r\n", "o=- 9 9 IN IP4 127.0.0.1\r\n", "s=other\r\n", "x=1\r\n", "a\r\n", "a =x\r\n", " a=x\r\n",
      "\r\na=x\r\n", "A=x\r\n"};
  for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
    g_autofree char *session = g_strconcat(HEAD, more[i], "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT, NULL);
    g_autofree char *section = g_strconcat(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT, more[i], NULL);
    refuse(session, SDP_ERROR_MALFORMED);
    refuse(section, SDP_ERROR_MALFORMED);
  }
  refuse(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT "t=0 0\r\n", SDP_ERROR_MALFORMED);
  refuse("v=0 \r\n", SDP_ERROR_MALFORMED);
  g_autofree char *blank = rewritten(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT "\r\n\n", SDP_OFFER);
  g_autofree char *bare = rewritten(HEAD "a=group:BUNDLE 0\na=x:1\n" AUDIO("0") TRANSPORT, SDP_OFFER);
  g_assert_nonnull(strstr(bare, "a=x:1\r\n"));
}

/* A title of a section (RFC 8866 section 5.4) takes no other line with it. */
static void test_title(void) {
  g_autofree char *after = rewritten(
      HEAD "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\ni=microphone\r\na=mid:0\r\na=rtcp-mux\r\n" TRANSPORT, SDP_OFFER);
  g_assert_nonnull(strstr(after, "\r\na=mid:0\r\n"));
}

static void test_unsupported(void) {
  refuse(HEAD AUDIO("0") TRANSPORT, SDP_ERROR_UNSUPPORTED); /* no BUNDLE */
  refuse(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT AUDIO("1") TRANSPORT, SDP_ERROR_UNSUPPORTED);
  refuse(HEAD "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" TRANSPORT, SDP_ERROR_UNSUPPORTED); /* no rtcp-mux */
  refuse(HEAD "a=group:BUNDLE 0\r\nm=audio 9 RTP/AVP 111\r\na=mid:0\r\na=rtcp-mux\r\n" TRANSPORT, SDP_ERROR_UNSUPPORTED);
  refuse(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0"), SDP_ERROR_UNSUPPORTED); /* no ICE, no DTLS */
  refuse(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n",
         SDP_ERROR_UNSUPPORTED);
}

/* What a lenient browser would take for a candidate or a fingerprint may not slip past; a rejected section gets nothing. */
static void test_strip(void) {
  const char *sdp =
      HEAD "c=IN IP4 198.51.100.7\r\na=Candidate:1 1 udp 1 198.51.100.7 1 typ host\r\na=group:BUNDLE 0\r\na=tls-id:x\r\n" AUDIO("0")
          TRANSPORT "a=CANDIDATE:1 1 udp 1 198.51.100.7 1 typ host\r\na=rtcp:5 IN IP4 198.51.100.7\r\na=rtcp 5 IN IP4 198.51.100.7\r\n"
                    "a=candidate 1 1 udp 1 198.51.100.7 1 typ host\r\na=ICE-Options:renomination\r\na=x-own:kept\r\n"
                    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 198.51.100.7\r\na=mid:1\r\na=inactive\r\n" TRANSPORT;
  g_autofree char *after = rewritten(sdp, SDP_OFFER);
  g_assert_null(strstr(after, "198.51.100.7"));
  g_assert_null(strstr(after, "renomination"));
  g_assert_null(strstr(after, "tls-id"));
  g_assert_nonnull(strstr(after, "a=x-own:kept\r\n"));
  g_assert_nonnull(strstr(after, "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=inactive\r\n"));
  g_assert_cmpuint(count(after, "a=ice-ufrag:"), ==, 1);
  g_assert_cmpuint(count(after, "a=candidate:1 1 udp 2130706431 203.0.113.5 8490 typ host\r\na=candidate:2 1 udp 2130706175 2001:db8:5::1 "
                                "8490 typ host\r\na=end-of-candidates\r\n"),
                   ==, 1);
}

/* Every candidate line of every section that the limits let through is stripped in time that grows with their number only. */
static void test_large_is_quick(void) {
  g_autofree char *sdp = repeated(HEAD "a=group:BUNDLE 0\r\n" AUDIO("0") TRANSPORT, "a=x:#\r\na=candidate:#\r\n", 1900);
  gint64 start_us = g_get_monotonic_time();
  g_autofree char *after = rewritten(sdp, SDP_OFFER);
  g_test_message("rewritten in %" G_GINT64_FORMAT " us", g_get_monotonic_time() - start_us);
  g_assert_cmpuint(count(after, "a=candidate:"), ==, 2);
  g_assert_cmpuint(count(after, "a=x:"), ==, 1900);
}

static void mutate(GByteArray *bytes, GRand *rand) {
  guint at = (guint)g_rand_int_range(rand, 0, (gint32)bytes->len), n = (guint)g_rand_int_range(rand, 1, 64);
  n = MIN(n, bytes->len - at);
  g_autofree guint8 *piece = g_memdup2(bytes->data + at, n);
  switch (g_rand_int_range(rand, 0, 3)) {
  case 0:
    bytes->data[at] = (guint8)(bytes->data[at] ^ (1u << g_rand_int_range(rand, 0, 8)));
    break;
  case 1:
    g_byte_array_remove_range(bytes, at, n);
    break;
  case 2:
    g_byte_array_append(bytes, piece, n);
    break;
  }
}

/* A damaged description is refused, or it comes out as one that the gate itself would take, and that shows the gate alone. */
static void check_mutation(const char *sdp) {
  SdpGate gate = gate_of(SDP_SETUP_ACTPASS);
  g_autoptr(GError) error = NULL, again_error = NULL;
  g_autoptr(SdpInfo) info = sdp_read(sdp, SDP_OFFER, &error);
  g_assert_true((info == NULL) == (error != NULL));
  g_autofree char *out = sdp_rewrite(sdp, SDP_OFFER, &gate, NULL);
  g_assert_true(info == NULL || out != NULL);
  if (out == NULL)
    return;
  g_autoptr(SdpInfo) again = sdp_read(out, SDP_OFFER, &again_error);
  g_assert_no_error(again_error);
  g_assert_true(again->ufrag[0] == '\0' || strcmp(again->ufrag, gate.ufrag) == 0);
  g_auto(GStrv) lines = g_strsplit(out, "\r\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_ascii_strncasecmp(lines[i], "a=candidate:", strlen("a=candidate:")) == 0)
      g_assert_true(strstr(lines[i], " 203.0.113.5 8490 typ host") != NULL || strstr(lines[i], " 2001:db8:5::1 8490 typ host") != NULL);
}

/* A full agent of the gate's: its candidates, the first of them as default destination, and nothing that says lite. */
static void test_full(void) {
  static const char *const candidates[] = {"7 1 UDP 505414143 192.0.2.9 40001 typ relay raddr 10.0.0.1 rport 9",
                                           "8 1 UDP 1 10.0.0.1 9 typ host", NULL};
  static const char *const none[] = {NULL};
  g_autofree char *offer = fixture("chromium-offer-to-firefox.sdp");
  SdpGate gate = gate_of(SDP_SETUP_ACTPASS);
  gate.candidates = candidates;
  g_autofree char *after = sdp_rewrite(offer, SDP_OFFER, &gate, NULL);
  g_assert_false(sdp_is_ice_lite(after, SDP_OFFER));
  g_assert_cmpuint(count(after, "203.0.113.5") + count(after, " 8490 "), ==, 0);
  g_assert_cmpuint(count(after, "c=IN IP4 192.0.2.9"), ==, count(after, " 40001 UDP/"));
  g_autoptr(SdpInfo) info = sdp_read(after, SDP_OFFER, NULL);
  g_assert_true(!info->ice_lite && info->complete);
  g_assert_cmpuint(g_strv_length(info->candidates), ==, 2);
  g_assert_cmpstr(info->candidates[0], ==, candidates[0]);

  gate.candidates = none; /* none was found: the SFU may still be reached, and learns where from by the checks */
  g_autofree char *bare = sdp_rewrite(offer, SDP_OFFER, &gate, NULL);
  g_assert_nonnull(strstr(bare, "c=IN IP4 0.0.0.0"));
  g_assert_cmpuint(count(bare, "a=candidate"), ==, 0);

  g_autofree char *lite = rewritten(offer, SDP_OFFER);
  g_autoptr(SdpInfo) other = sdp_read(lite, SDP_OFFER, NULL);
  g_assert_true(other->ice_lite);
  g_assert_cmpuint(g_strv_length(other->candidates), ==, 2);
}

static void test_mutations(void) {
  g_autoptr(GRand) rand = g_rand_new_with_seed(19);
  g_autoptr(GDir) directory = g_dir_open(g_getenv("FIXTURES"), 0, NULL);
  for (const char *name; (name = g_dir_read_name(directory)) != NULL;) {
    g_autofree char *text = fixture(name);
    for (guint i = 0; i < 300; i++) {
      g_autoptr(GByteArray) bytes = g_byte_array_new();
      g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text));
      for (gint rounds = g_rand_int_range(rand, 1, 6); rounds > 0; rounds--)
        mutate(bytes, rand);
      g_byte_array_append(bytes, (const guint8 *)"", 1);
      check_mutation((const char *)bytes->data);
    }
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay/sdp/browsers", test_browsers);
  g_test_add_func("/relay/sdp/read-firefox-answer", test_read_firefox_answer);
  g_test_add_func("/relay/sdp/read-repairs", test_read_repairs);
  g_test_add_func("/relay/sdp/read-bundle-only", test_read_bundle_only);
  g_test_add_func("/relay/sdp/full", test_full);
  g_test_add_func("/relay/sdp/hostile", test_hostile);
  g_test_add_func("/relay/sdp/lines", test_lines);
  g_test_add_func("/relay/sdp/title", test_title);
  g_test_add_func("/relay/sdp/unsupported", test_unsupported);
  g_test_add_func("/relay/sdp/strip", test_strip);
  g_test_add_func("/relay/sdp/large-is-quick", test_large_is_quick);
  g_test_add_func("/relay/sdp/mutations", test_mutations);
  return g_test_run();
}
