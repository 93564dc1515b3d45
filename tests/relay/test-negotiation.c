/* SPDX-License-Identifier: Apache-2.0 */
/* Offer, answer, glare, rollback and ICE restart between two people, with the descriptions of real browsers (RFC 8829, RFC 8445 section 9). */
#include "pipelines/relay/negotiation.h"

#include <string.h>

static const char *const addresses[] = {"203.0.113.5", NULL};

typedef struct Bed {
  Negotiation *negotiation;
  NegotiationResult result;
  char *offer, *answer; /* of Chromium, of Firefox */
} Bed;

static char *fixture(const char *name) {
  g_autofree char *path = g_build_filename(g_getenv("FIXTURES"), name, NULL);
  char *text = NULL;
  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  return text;
}

static void bed_up(Bed *bed, gconstpointer data) {
  (void)data;
  *bed = (Bed){.negotiation = negotiation_new("sha-256 00:11", addresses, 8490)};
  bed->offer = fixture("chromium-offer-to-firefox.sdp");
  bed->answer = fixture("firefox-answer-to-chromium.sdp");
}

static void bed_down(Bed *bed, gconstpointer data) {
  (void)data;
  negotiation_result_clear(&bed->result);
  negotiation_free(bed->negotiation);
  g_free(bed->offer);
  g_free(bed->answer);
}

static const NegotiationResult *say(Bed *bed, CallSide from, SdpType type, const char *sdp) {
  g_autoptr(GError) error = NULL;
  negotiation_result_clear(&bed->result);
  bed->result = (NegotiationResult){0};
  gboolean ok = negotiation_handle(bed->negotiation, from, type, sdp, &bed->result, &error);
  g_assert_no_error(error);
  g_assert_true(ok);
  return &bed->result;
}

static void refused(Bed *bed, CallSide from, SdpType type, const char *sdp, const char *why) {
  g_autoptr(GError) error = NULL;
  negotiation_result_clear(&bed->result);
  bed->result = (NegotiationResult){0};
  g_assert_false(negotiation_handle(bed->negotiation, from, type, sdp, &bed->result, &error));
  g_assert_nonnull(strstr(error->message, why));
}

static char *replaced(const char *text, const char *from, const char *to) {
  g_auto(GStrv) parts = g_strsplit(text, from, -1);
  g_assert_nonnull(parts[1]);
  return g_strjoinv(to, parts);
}

static gboolean shows(const char *sdp, const LegCredentials *credentials) {
  return strstr(sdp, credentials->ufrag) != NULL && strstr(sdp, credentials->pwd) != NULL;
}

static void test_first(Bed *bed, gconstpointer data) {
  (void)data;
  LegCredentials a = *negotiation_credentials(bed->negotiation, CALL_A), b = *negotiation_credentials(bed->negotiation, CALL_B);
  const NegotiationResult *result = say(bed, CALL_A, SDP_OFFER, bed->offer);
  g_assert_false(result->agreed);
  g_assert_true(shows(result->out, &b) && !shows(result->out, &a));
  g_assert_nonnull(strstr(result->out, "a=setup:actpass"));

  result = say(bed, CALL_B, SDP_ANSWER, bed->answer);
  g_assert_true(result->agreed);
  g_assert_true(shows(result->out, &a) && !shows(result->out, &b));
  g_assert_nonnull(strstr(result->out, "a=setup:passive"));
  g_assert_false(result->legs[CALL_A].dtls_client);
  g_assert_false(result->legs[CALL_B].dtls_client); /* Firefox said active */
  g_assert_false(result->legs[CALL_A].restarts || result->legs[CALL_B].restarts);
  g_assert_cmpstr(result->legs[CALL_B].ufrag, ==, "ba610e73");
  g_assert_true(result->tracks_changed[CALL_A] && result->tracks_changed[CALL_B]);

  for (guint side = 0; side < 2; side++) {
    const GArray *tracks = negotiation_tracks(bed->negotiation, (CallSide)side);
    g_assert_cmpuint(tracks->len, ==, 2);
    const CallTrack *audio = &g_array_index(tracks, CallTrack, 0), *video = &g_array_index(tracks, CallTrack, 1);
    g_assert_cmpstr(audio->codec, ==, "opus");
    g_assert_cmpuint(audio->pt, ==, 111);
    g_assert_cmpuint(audio->clock_rate, ==, 48000);
    g_assert_cmpuint(audio->red_pt, ==, 0);
    g_assert_cmpstr(video->codec, ==, "vp8");
    g_assert_cmpuint(video->pt, ==, 96);
    g_assert_cmpuint(video->red_pt, ==, 118);
    g_assert_cmpuint(video->ulpfec_pt, ==, 120);
    g_assert_cmphex(video->pts[1], ==, (guint64)1 << (96 - 64)); /* the other formats are of other codecs */
    const RelayTrack *relay = &g_array_index(result->legs[side].tracks, RelayTrack, 1);
    g_assert_true(relay_track_has_pt(relay, 96) && relay_track_has_pt(relay, 118));
    g_assert_false(relay_track_has_pt(relay, 97) || relay_track_has_pt(relay, 99)); /* RTX: a sequence of its own */
    g_assert_cmpuint(relay->repaired_pt[97], ==, 96);
    g_assert_cmpuint(relay->repaired_pt[96], ==, 0);
    g_assert_cmpuint(relay->repairs->len, ==, 1);
  }
}

static void test_roles(Bed *bed, gconstpointer data) {
  (void)data;
  g_autofree char *passive = replaced(bed->answer, "a=setup:active", "a=setup:passive");
  g_autofree char *actpass = replaced(bed->answer, "a=setup:active", "a=setup:actpass");
  say(bed, CALL_A, SDP_OFFER, bed->offer);
  refused(bed, CALL_B, SDP_ANSWER, actpass, "role");
  const NegotiationResult *result = say(bed, CALL_B, SDP_ANSWER, passive);
  g_assert_true(result->legs[CALL_B].dtls_client);
  g_assert_false(result->legs[CALL_A].dtls_client);

  /* Fault 3: a role that was agreed stays. The other way round, the gate keeps its own: active towards B. */
  say(bed, CALL_A, SDP_OFFER, bed->offer);
  refused(bed, CALL_B, SDP_ANSWER, bed->answer, "role");
  g_autofree char *from_b = replaced(passive, "a=setup:passive", "a=setup:actpass");
  g_autofree char *answer_a = replaced(bed->offer, "a=setup:actpass", "a=setup:active");
  say(bed, CALL_B, SDP_OFFER, from_b);
  result = say(bed, CALL_A, SDP_ANSWER, answer_a);
  g_assert_nonnull(strstr(result->out, "a=setup:active"));
  g_assert_true(result->legs[CALL_B].dtls_client);

  g_autofree char *other_fingerprint = replaced(bed->offer, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 FF:");
  refused(bed, CALL_A, SDP_OFFER, other_fingerprint, "fingerprint");
}

/* A (impolite) and B (polite) offer at once. B rolls back without a word and answers: what B offered has left nothing. */
static void test_glare(Bed *bed, gconstpointer data) {
  (void)data;
  g_autofree char *offer_b = fixture("firefox-offer-to-chromium.sdp");
  refused(bed, CALL_B, SDP_ANSWER, bed->answer, "without an offer");
  say(bed, CALL_A, SDP_OFFER, bed->offer);
  say(bed, CALL_B, SDP_OFFER, offer_b);
  const NegotiationResult *result = say(bed, CALL_B, SDP_ANSWER, bed->answer);
  g_assert_true(result->agreed);
  g_assert_cmpstr(result->legs[CALL_B].ufrag, ==, "ba610e73"); /* of the answer, not of the offer that vanished */
  refused(bed, CALL_A, SDP_ANSWER, bed->answer, "without an offer");
}

static void test_rollback(Bed *bed, gconstpointer data) {
  (void)data;
  say(bed, CALL_A, SDP_OFFER, bed->offer);
  say(bed, CALL_B, SDP_PRANSWER, bed->answer);
  g_assert_false(bed->result.agreed);
  g_assert_nonnull(bed->result.out);
  const NegotiationResult *result = say(bed, CALL_A, SDP_ROLLBACK, "");
  g_assert_null(result->out);
  refused(bed, CALL_B, SDP_ANSWER, bed->answer, "without an offer");
  g_assert_cmpuint(negotiation_tracks(bed->negotiation, CALL_A)->len, ==, 0);
}

/* RFC 8445 section 9: fresh credentials for who restarts, and nothing new for the other. */
static void test_restart(Bed *bed, gconstpointer data) {
  (void)data;
  say(bed, CALL_A, SDP_OFFER, bed->offer);
  say(bed, CALL_B, SDP_ANSWER, bed->answer);
  LegCredentials a = *negotiation_credentials(bed->negotiation, CALL_A), b = *negotiation_credentials(bed->negotiation, CALL_B);
  g_auto(GStrv) lines = g_strsplit(bed->offer, "\r\n", -1);
  const char *ufrag = NULL;
  for (guint i = 0; lines[i] != NULL && ufrag == NULL; i++)
    ufrag = g_str_has_prefix(lines[i], "a=ice-ufrag:") ? lines[i] : NULL;
  g_autofree char *restart = replaced(bed->offer, ufrag, "a=ice-ufrag:NEWu");

  const NegotiationResult *result = say(bed, CALL_A, SDP_OFFER, restart);
  g_assert_true(shows(result->out, &b)); /* B's view is unchanged, so B does not restart */
  say(bed, CALL_A, SDP_ROLLBACK, "");
  g_assert_true(memcmp(&a, negotiation_credentials(bed->negotiation, CALL_A), sizeof a) == 0);

  say(bed, CALL_A, SDP_OFFER, restart);
  result = say(bed, CALL_B, SDP_ANSWER, bed->answer);
  const LegCredentials *fresh = negotiation_credentials(bed->negotiation, CALL_A);
  g_assert_true(result->legs[CALL_A].restarts && !result->legs[CALL_B].restarts);
  g_assert_cmpstr(fresh->ufrag, !=, a.ufrag);
  g_assert_cmpstr(fresh->pwd, !=, a.pwd);
  g_assert_true(shows(result->out, fresh) && !shows(result->out, &a));
  g_assert_cmpstr(result->legs[CALL_A].local.ufrag, ==, fresh->ufrag);
  g_assert_cmpstr(result->legs[CALL_A].ufrag, ==, "NEWu");
  g_assert_false(result->tracks_changed[CALL_A] || result->tracks_changed[CALL_B]);

  say(bed, CALL_A, SDP_OFFER, restart); /* the same again is no restart */
  result = say(bed, CALL_B, SDP_ANSWER, bed->answer);
  g_assert_false(result->legs[CALL_A].restarts);
}

/* Who does not receive is not sent to: camera off is a=recvonly, a hold is a=inactive, a rejection port 0. */
static void test_directions(Bed *bed, gconstpointer data) {
  (void)data;
  char *video = strstr(bed->answer, "m=video"), *application = strstr(video, "m=application");
  g_autofree char *before = g_strndup(bed->answer, (gsize)(video - bed->answer)), *section = g_strndup(video, (gsize)(application - video));
  g_autofree char *section_off = replaced(section, "a=sendrecv", "a=recvonly");
  g_autofree char *video_off = g_strconcat(before, section_off, application, NULL);
  say(bed, CALL_A, SDP_OFFER, bed->offer);
  const NegotiationResult *result = say(bed, CALL_B, SDP_ANSWER, video_off);
  g_assert_cmpuint(negotiation_tracks(bed->negotiation, CALL_A)->len, ==, 2);
  g_assert_cmpuint(negotiation_tracks(bed->negotiation, CALL_B)->len, ==, 1);
  g_assert_cmpstr(g_array_index(negotiation_tracks(bed->negotiation, CALL_B), CallTrack, 0).medium, ==, "audio");

  say(bed, CALL_A, SDP_OFFER, bed->offer);
  result = say(bed, CALL_B, SDP_ANSWER, bed->answer);
  g_assert_true(!result->tracks_changed[CALL_A] && result->tracks_changed[CALL_B]);
}

/* Only where both agree: an answer without it gets one encoding. */
static void test_simulcast(Bed *bed, gconstpointer data) {
  (void)data;
  g_autofree char *offered = replaced(bed->offer, "a=mid:1\r\n", "a=mid:1\r\na=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n");
  g_autofree char *taken = replaced(bed->answer, "a=mid:1\r\n", "a=mid:1\r\na=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n");
  const NegotiationResult *result = say(bed, CALL_A, SDP_OFFER, offered);
  g_assert_nonnull(strstr(result->out, "a=simulcast:send h;l"));
  say(bed, CALL_B, SDP_ANSWER, bed->answer);
  g_assert_false(g_array_index(negotiation_tracks(bed->negotiation, CALL_A), CallTrack, 1).simulcast);

  say(bed, CALL_A, SDP_OFFER, offered);
  result = say(bed, CALL_B, SDP_ANSWER, taken);
  g_assert_true(g_array_index(negotiation_tracks(bed->negotiation, CALL_A), CallTrack, 1).simulcast);
  g_assert_false(g_array_index(negotiation_tracks(bed->negotiation, CALL_A), CallTrack, 0).simulcast);
  g_assert_true(result->tracks_changed[CALL_A]);

  g_autofree char *grouped = replaced(bed->offer, "a=mid:1\r\n", "a=mid:1\r\na=ssrc-group:SIM 1 2 3\r\n");
  say(bed, CALL_A, SDP_OFFER, grouped);
  say(bed, CALL_B, SDP_ANSWER, bed->answer);
  g_assert_true(g_array_index(negotiation_tracks(bed->negotiation, CALL_A), CallTrack, 1).simulcast);
}

/* What a full agent towards B is told is B's own description, and A's leg stays ICE-lite. */
static void test_full(Bed *bed, gconstpointer data) {
  static const char *const candidates[] = {"1 1 UDP 1 192.0.2.9 40001 typ host", NULL};
  (void)data;
  negotiation_set_candidates(bed->negotiation, CALL_B, candidates);
  const NegotiationResult *result = say(bed, CALL_A, SDP_OFFER, bed->offer);
  g_assert_nonnull(strstr(result->out, "a=candidate:1 1 UDP 1 192.0.2.9 40001 typ host"));
  g_assert_null(strstr(result->out, "a=ice-lite"));
  g_autofree char *answer =
      replaced(bed->answer, "a=mid:0\r\n", "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.7 4000 typ host\r\na=end-of-candidates\r\n");
  g_autofree char *lite = replaced(answer, "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n");
  result = say(bed, CALL_B, SDP_ANSWER, lite);
  g_assert_true(result->is_lite && result->ice[CALL_B].controlling && result->ice[CALL_B].complete);
  g_assert_cmpstr(result->ice[CALL_B].ufrag, ==, "ba610e73");
  gboolean told = FALSE;
  for (char **at = result->ice[CALL_B].candidates; *at != NULL; at++)
    told = told || strcmp(*at, "1 1 udp 1 192.0.2.7 4000 typ host") == 0;
  g_assert_true(told);
  g_assert_nonnull(strstr(result->out, "a=ice-lite"));
  g_assert_nonnull(strstr(result->out, "203.0.113.5"));
  g_assert_null(strstr(result->out, "192.0.2."));
}

static guint candidates_in(const char *sdp) {
  g_auto(GStrv) parts = g_strsplit(sdp, "a=candidate:", -1);
  return g_strv_length(parts) - 1;
}

/* Candidates that come before the answer are agreed with it; what comes later is the caller's to pass on, and a rollback forgets them. */
static void test_trickled(Bed *bed, gconstpointer data) {
  (void)data;
  g_autofree char *unfinished = replaced(bed->answer, "a=end-of-candidates\r\n", "");
  g_autofree char *lite = replaced(unfinished, "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n");
  const guint described = candidates_in(lite);
  (void)say(bed, CALL_A, SDP_OFFER, bed->offer);
  for (guint i = 0; i < 2 * NEGOTIATION_TRICKLED_MAX; i++) {
    g_autofree char *value = g_strdup_printf("%u 1 udp 1 192.0.2.7 %u typ host", i, 4000 + i);
    g_assert_false(negotiation_add_candidate(bed->negotiation, CALL_B, value));
  }
  const NegotiationResult *result = say(bed, CALL_B, SDP_ANSWER, lite);
  g_assert_cmpstr(result->ice[CALL_B].candidates[described], ==, "0 1 udp 1 192.0.2.7 4000 typ host");
  g_assert_cmpuint(g_strv_length(result->ice[CALL_B].candidates), ==, described + NEGOTIATION_TRICKLED_MAX);
  g_assert_false(result->ice[CALL_B].complete);

  g_assert_true(negotiation_add_candidate(bed->negotiation, CALL_B, "late"));
  g_autofree char *offer = replaced(lite, "a=setup:active", "a=setup:actpass");
  (void)say(bed, CALL_B, SDP_OFFER, offer);
  g_assert_true(negotiation_add_candidate(bed->negotiation, CALL_B, "rolled back"));
  (void)say(bed, CALL_B, SDP_ROLLBACK, NULL);
  (void)say(bed, CALL_A, SDP_OFFER, bed->offer);
  g_assert_true(negotiation_add_candidate(bed->negotiation, CALL_B, "again"));
  g_assert_true(negotiation_add_candidate(bed->negotiation, CALL_B, ""));
  result = say(bed, CALL_B, SDP_ANSWER, lite);
  g_assert_cmpstr(result->ice[CALL_B].candidates[described], ==, "again");
  g_assert_cmpuint(g_strv_length(result->ice[CALL_B].candidates), ==, described + 1);
  g_assert_true(result->ice[CALL_B].complete);
}

#define ADD(path, fn) g_test_add(path, Bed, NULL, bed_up, fn, bed_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  ADD("/relay/negotiation/first", test_first);
  ADD("/relay/negotiation/roles", test_roles);
  ADD("/relay/negotiation/glare", test_glare);
  ADD("/relay/negotiation/rollback", test_rollback);
  ADD("/relay/negotiation/restart", test_restart);
  ADD("/relay/negotiation/directions", test_directions);
  ADD("/relay/negotiation/simulcast", test_simulcast);
  ADD("/relay/negotiation/full", test_full);
  ADD("/relay/negotiation/trickled", test_trickled);
  return g_test_run();
}
