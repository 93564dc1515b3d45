/* SPDX-License-Identifier: Apache-2.0 */
/* Offer and answer through the gate: credentials, fingerprints and DTLS roles are each leg's own, everything else is passed on. */
#include "pipelines/relay/negotiation.h"

#include "pipelines/relay/tracks.h"

#include <string.h>

typedef struct Offer {
  SdpInfo *info;
  gboolean restarts;
  LegCredentials fresh; /* of the offerer's leg, where it restarts ICE; in force with the answer (RFC 8445 section 9) */
} Offer;

typedef struct NegotiationSide {
  LegCredentials local;
  char **candidates;    /* of the gate's full agent towards this side; NULL: ICE-lite */
  SdpInfo *agreed;      /* the side's last description that was part of an agreement and had a transport; NULL: none */
  gboolean dtls_client; /* of the gate, once agreed; never changes (RFC 8842 section 5.5, fault 3) */
  Offer *staged;
  GPtrArray *trickled; /* candidates of this side that the next agreement takes, "" for their end */
  GArray *tracks;      /* CallTrack */
} NegotiationSide;

struct Negotiation {
  char *fingerprint, **addresses;
  guint16 port;
  NegotiationSide sides[2];
};

static void offer_free(Offer *offer) {
  if (offer == NULL)
    return;
  sdp_info_free(offer->info);
  explicit_bzero(&offer->fresh, sizeof offer->fresh);
  g_free(offer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Offer, offer_free)

Negotiation *negotiation_new(const char *fingerprint, const char *const *addresses, guint16 port) {
  Negotiation *negotiation = g_new0(Negotiation, 1);
  negotiation->fingerprint = g_strdup(fingerprint);
  negotiation->addresses = g_strdupv((char **)addresses);
  negotiation->port = port;
  for (guint i = 0; i < 2; i++) {
    leg_credentials_new(&negotiation->sides[i].local);
    negotiation->sides[i].trickled = g_ptr_array_new_with_free_func(g_free);
    negotiation->sides[i].tracks = g_array_new(FALSE, TRUE, sizeof(CallTrack));
  }
  return negotiation;
}

void negotiation_free(Negotiation *negotiation) {
  if (negotiation == NULL)
    return;
  for (guint i = 0; i < 2; i++) {
    NegotiationSide *side = &negotiation->sides[i];
    offer_free(side->staged);
    sdp_info_free(side->agreed);
    g_ptr_array_unref(side->trickled);
    g_array_unref(side->tracks);
    g_strfreev(side->candidates);
    explicit_bzero(&side->local, sizeof side->local);
  }
  g_free(negotiation->fingerprint);
  g_strfreev(negotiation->addresses);
  g_free(negotiation);
}

void negotiation_set_candidates(Negotiation *negotiation, CallSide side, const char *const *candidates) {
  g_strfreev(negotiation->sides[side].candidates);
  negotiation->sides[side].candidates = g_strdupv((char **)candidates);
}

gboolean negotiation_add_candidate(Negotiation *negotiation, CallSide side, const char *value) {
  const NegotiationSide *sides = negotiation->sides;
  const gboolean is_agreed = sides[side].agreed != NULL, is_under_way = sides[0].staged != NULL || sides[1].staged != NULL;
  if ((is_under_way || !is_agreed) && sides[side].trickled->len < NEGOTIATION_TRICKLED_MAX)
    g_ptr_array_add(sides[side].trickled, g_strdup(value));
  return is_agreed;
}

const LegCredentials *negotiation_credentials(const Negotiation *negotiation, CallSide side) {
  return &negotiation->sides[side].local;
}

const GArray *negotiation_tracks(const Negotiation *negotiation, CallSide side) {
  return negotiation->sides[side].tracks;
}

void negotiation_set_track(Negotiation *negotiation, CallSide side, const CallTrack *track) {
  const GArray *tracks = negotiation->sides[side].tracks;
  for (guint i = 0; i < tracks->len; i++)
    if (strcmp(g_array_index(tracks, CallTrack, i).mid, track->mid) == 0)
      g_array_index(tracks, CallTrack, i) = *track;
}

void negotiation_result_clear(NegotiationResult *result) {
  g_free(result->out);
  for (guint i = 0; i < 2; i++)
    call_worker_leg_clear(&result->legs[i]);
  for (guint i = 0; i < 2; i++) {
    NegotiationIce *ice = &result->ice[i];
    if (ice->pwd != NULL)
      explicit_bzero(ice->pwd, strlen(ice->pwd));
    g_free(ice->ufrag);
    g_free(ice->pwd);
    g_strfreev(ice->candidates);
  }
}

static gboolean has_transport(const SdpInfo *info) {
  return info->ufrag[0] != '\0';
}

static gboolean refuse(GError **error, const char *text) {
  g_set_error_literal(error, SDP_ERROR, SDP_ERROR_UNSUPPORTED, text);
  return FALSE;
}

/* Fault 3: what authenticates a leg stays as it was agreed; a new PeerConnection is a new call. */
static gboolean check_identity(const NegotiationSide *side, const SdpInfo *info, GError **error) {
  if (side->agreed == NULL || !has_transport(info))
    return TRUE;
  if (strcmp(side->agreed->fingerprints, info->fingerprints) != 0)
    return refuse(error, "the DTLS fingerprint of a connection cannot change");
  SdpSetup other = side->dtls_client ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
  if (info->setup == other)
    return refuse(error, "the DTLS role of a connection cannot change");
  return TRUE;
}

static char *rewrite(const Negotiation *negotiation, CallSide to, const char *sdp, SdpType type, const LegCredentials *local,
                     SdpSetup setup, GError **error) {
  SdpGate gate = {.ufrag = local->ufrag,
                  .pwd = local->pwd,
                  .fingerprint = negotiation->fingerprint,
                  .setup = setup,
                  .addresses = (const char *const *)negotiation->addresses,
                  .port = negotiation->port,
                  .candidates = (const char *const *)negotiation->sides[to].candidates};
  return sdp_rewrite(sdp, type, &gate, error);
}

static gboolean handle_offer(Negotiation *negotiation, CallSide from, const char *sdp, NegotiationResult *result, GError **error) {
  NegotiationSide *side = &negotiation->sides[from], *other = &negotiation->sides[!from];
  g_autoptr(Offer) offer = g_new0(Offer, 1);
  offer->info = sdp_read(sdp, SDP_OFFER, error);
  if (offer->info == NULL || !check_identity(side, offer->info, error))
    return FALSE;
  result->is_lite = offer->info->ice_lite;
  offer->restarts = side->agreed != NULL && has_transport(offer->info) && strcmp(side->agreed->ufrag, offer->info->ufrag) != 0;
  if (offer->restarts)
    leg_credentials_new(&offer->fresh);
  /* The other leg does not restart: it sees its own gate, with the credentials it knows. */
  result->out = rewrite(negotiation, (CallSide)!from, sdp, SDP_OFFER, &other->local, SDP_SETUP_ACTPASS, error);
  if (result->out == NULL)
    return FALSE;
  offer_free(side->staged);
  side->staged = g_steal_pointer(&offer);
  return TRUE;
}

/* The gate's part towards the offerer: what was agreed before, else the complement of what it offered; passive where it leaves the choice, so that
 * the browser's ClientHello follows its own connectivity check. */
static gboolean offerer_dtls_client(const NegotiationSide *offerer, const Offer *offer) {
  return offerer->agreed != NULL ? offerer->dtls_client : offer->info->setup == SDP_SETUP_PASSIVE;
}

static void fill_leg(CallWorkerLeg *leg, const SdpInfo *info, gboolean dtls_client) {
  leg->connects = has_transport(info);
  leg->ufrag = g_strdup(info->ufrag);
  leg->fingerprints = g_strdup(info->fingerprints);
  leg->dtls_client = dtls_client;
}

static char **joined_candidates(char **described, GPtrArray *trickled) {
  g_autoptr(GStrvBuilder) all = g_strv_builder_new();
  if (described != NULL)
    g_strv_builder_addv(all, (const char **)described);
  for (guint i = 0; i < trickled->len; i++)
    if (*(const char *)trickled->pdata[i] != '\0')
      g_strv_builder_add(all, trickled->pdata[i]);
  return g_strv_builder_end(all);
}

/* gate_offered: the gate's own description was the offer (RFC 8445 section 6.1.1). */
static void fill_ice(NegotiationIce *ice, const SdpInfo *info, GPtrArray *trickled, gboolean gate_offered) {
  if (!has_transport(info))
    return;
  *ice = (NegotiationIce){.ufrag = g_strdup(info->ufrag),
                          .pwd = g_strdup(info->pwd),
                          .candidates = joined_candidates(info->candidates, trickled),
                          .controlling = info->ice_lite || gate_offered,
                          .complete = info->complete || g_ptr_array_find_with_equal_func(trickled, "", g_str_equal, NULL)};
}

static void agree_side(NegotiationSide *side, SdpInfo *info, gboolean dtls_client, GArray *sent) {
  if (has_transport(info)) {
    sdp_info_free(side->agreed);
    side->agreed = info;
    side->dtls_client = dtls_client;
  } else {
    sdp_info_free(info);
  }
  g_ptr_array_set_size(side->trickled, 0);
  g_array_unref(side->tracks);
  side->tracks = sent;
  g_clear_pointer(&side->staged, offer_free); /* in glare the answerer's own offer is gone: it answers only after rolling it back */
}

static void agree(Negotiation *negotiation, CallSide answerer, SdpInfo *info, gboolean answerer_client, NegotiationResult *result) {
  CallSide offerer = (CallSide)!answerer;
  NegotiationSide *sides = negotiation->sides;
  g_autoptr(Offer) offer = g_steal_pointer(&sides[offerer].staged);
  gboolean offerer_client = offerer_dtls_client(&sides[offerer], offer);
  if (offer->restarts) {
    sides[offerer].local = offer->fresh;
    result->legs[offerer].restarts = TRUE;
    result->legs[offerer].local = offer->fresh;
  }
  fill_leg(&result->legs[offerer], offer->info, offerer_client);
  fill_leg(&result->legs[answerer], info, answerer_client);
  fill_ice(&result->ice[offerer], offer->info, sides[offerer].trickled, FALSE);
  fill_ice(&result->ice[answerer], info, sides[answerer].trickled, TRUE);
  result->legs[offerer].tracks = tracks_agreed(offer->info, info, info);
  result->legs[answerer].tracks = tracks_agreed(info, offer->info, info);
  GArray *sent[2] = {tracks_sent(result->legs[0].tracks), tracks_sent(result->legs[1].tracks)};
  for (guint i = 0; i < 2; i++)
    result->tracks_changed[i] = !tracks_equal(sent[i], sides[i].tracks);
  agree_side(&sides[answerer], info, answerer_client, sent[answerer]);
  agree_side(&sides[offerer], g_steal_pointer(&offer->info), offerer_client, sent[offerer]);
  result->agreed = TRUE;
}

static gboolean handle_answer(Negotiation *negotiation, CallSide from, SdpType type, const char *sdp, NegotiationResult *result,
                              GError **error) {
  NegotiationSide *answerer = &negotiation->sides[from], *offerer = &negotiation->sides[!from];
  if (offerer->staged == NULL)
    return refuse(error, "an answer without an offer");
  g_autoptr(SdpInfo) info = sdp_read(sdp, type, error);
  if (info == NULL || !check_identity(answerer, info, error))
    return FALSE;
  result->is_lite = info->ice_lite;
  if (has_transport(info) && info->setup == SDP_SETUP_ACTPASS)
    return refuse(error, "an answer must choose a DTLS role: a=setup:active or passive");

  const LegCredentials *local = offerer->staged->restarts ? &offerer->staged->fresh : &offerer->local;
  SdpSetup setup = offerer_dtls_client(offerer, offerer->staged) ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
  result->out = rewrite(negotiation, (CallSide)!from, sdp, type, local, setup, error);
  if (result->out == NULL)
    return FALSE;
  /* A provisional answer is shown, not applied: the offer may yet vanish. */
  if (type == SDP_ANSWER) {
    gboolean client = has_transport(info) ? info->setup == SDP_SETUP_PASSIVE : answerer->dtls_client;
    agree(negotiation, from, g_steal_pointer(&info), client, result);
  }
  return TRUE;
}

gboolean negotiation_handle(Negotiation *negotiation, CallSide from, SdpType type, const char *sdp, NegotiationResult *result,
                            GError **error) {
  switch (type) {
  case SDP_OFFER:
    return handle_offer(negotiation, from, sdp, result, error);
  case SDP_ANSWER:
  case SDP_PRANSWER:
    return handle_answer(negotiation, from, type, sdp, result, error);
  case SDP_ROLLBACK:
    g_clear_pointer(&negotiation->sides[from].staged, offer_free);
    g_ptr_array_set_size(negotiation->sides[from].trickled, 0);
    return TRUE;
  case SDP_NONE:
    break;
  }
  return refuse(error, "a description is an offer, pranswer, answer or rollback");
}
