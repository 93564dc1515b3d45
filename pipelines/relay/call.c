/* SPDX-License-Identifier: Apache-2.0 */
/* The control side of a call: negotiation here, packets on the worker, events back. Nothing but posted messages goes between the two threads. */
#include "pipelines/relay/negotiation.h"
#include "pipelines/transport/control.h"

#include <string.h>

#define GATHER_MS 3000 /* a caller waits for the description meanwhile */

struct Call {
  _Atomic guint refs; /* control's own, and one for each message under way */
  Worker *worker;
  GMainContext *control;
  CallWorker *packets; /* worker thread; freed with the last reference, when no message can reach it */

  /* Control thread. */
  CallEvents events;
  gpointer user;
  Negotiation *negotiation;
  guint agreements; /* answers that were applied; the worker counts alike */
  gboolean freed, connected[2], ended[2];
  char fingerprint[2][LEG_FINGERPRINT_BYTES]; /* of connected sides */
  CallIce ice;
  IceService *ice_service;
  IceAgent *agent;    /* towards B; NULL: ICE-lite */
  GSource *gathering; /* until it is ready */
};

static void call_unref(Call *call) {
  if (atomic_fetch_sub(&call->refs, 1) != 1)
    return;
  call_worker_free(call->packets);
  g_main_context_unref(call->control);
  g_free(call);
}

static Call *call_ref(Call *call) {
  atomic_fetch_add(&call->refs, 1);
  return call;
}

typedef struct StateNote {
  Call *call;
  CallSide side;
  LegState state;
  char *why;
  char fingerprint[LEG_FINGERPRINT_BYTES];
} StateNote;

static void state_note_free(gpointer data) {
  StateNote *note = data;
  call_unref(note->call);
  g_free(note->why);
  g_free(note);
}

static void deliver_state(gpointer data) {
  const StateNote *note = data;
  Call *call = note->call;
  if (call->freed || call->ended[note->side])
    return;
  if (note->state == LEG_ENDED) {
    call->ended[note->side] = TRUE;
    if (call->events.ended != NULL)
      call->events.ended(call, note->side, note->why, call->user);
  } else if (!call->connected[note->side]) {
    call->connected[note->side] = TRUE;
    memcpy(call->fingerprint[note->side], note->fingerprint, LEG_FINGERPRINT_BYTES);
    if (call->events.connected != NULL)
      call->events.connected(call, note->side, call->user);
  }
}

/* Worker thread. */
static void on_state(CallSide side, LegState state, const char *why, gpointer user) {
  if (state != LEG_CONNECTED && state != LEG_ENDED)
    return;
  StateNote *note = g_new0(StateNote, 1);
  note->call = call_ref(user);
  note->side = side;
  note->state = state;
  note->why = g_strdup(why != NULL ? why : "ended");
  if (state == LEG_CONNECTED && !call_worker_remote_fingerprint(note->call->packets, side, note->fingerprint))
    *note->fingerprint = '\0';
  control_post(note->call->control, G_PRIORITY_DEFAULT, deliver_state, note, state_note_free);
}

typedef struct OverrunNote {
  Call *call;
  guint32 take;
} OverrunNote;

static void overrun_note_free(gpointer data) {
  call_unref(((OverrunNote *)data)->call);
  g_free(data);
}

static void deliver_overrun(gpointer data) {
  const OverrunNote *note = data;
  if (!note->call->freed && note->call->events.overrun != NULL)
    note->call->events.overrun(note->call, note->take, note->call->user);
}

/* Worker thread. */
static void on_overrun(guint32 take, gpointer user) {
  OverrunNote *note = g_new(OverrunNote, 1);
  *note = (OverrunNote){call_ref(user), take};
  control_post(note->call->control, G_PRIORITY_DEFAULT, deliver_overrun, note, overrun_note_free);
}

typedef struct CodecNote {
  Call *call;
  CallSide side;
  CallTrack track;
  guint agreement;
} CodecNote;

static void codec_note_free(gpointer data) {
  call_unref(((CodecNote *)data)->call);
  g_free(data);
}

static void deliver_codec(gpointer data) {
  const CodecNote *note = data;
  Call *call = note->call;
  if (call->freed || note->agreement != call->agreements) /* of tracks that were agreed on anew meanwhile */
    return;
  negotiation_set_track(call->negotiation, note->side, &note->track);
  if (call->events.tracks_changed != NULL)
    call->events.tracks_changed(call, note->side, call->user);
}

/* Worker thread. */
static void on_codec(CallSide side, const CallTrack *track, guint agreement, gpointer user) {
  CodecNote *note = g_new(CodecNote, 1);
  *note = (CodecNote){call_ref(user), side, *track, agreement};
  control_post(note->call->control, G_PRIORITY_DEFAULT, deliver_codec, note, codec_note_free);
}

static const CallWorkerEvents WORKER_EVENTS = {on_state, on_overrun, on_codec};

typedef enum OrderType { ORDER_START = 0, ORDER_USE_AGENT, ORDER_APPLY, ORDER_TAPS, ORDER_KEYFRAME, ORDER_STATS, ORDER_STOP } OrderType;

/* What control wants of the worker, and what comes back. */
typedef struct Order {
  Call *call;
  OrderType type;
  CallSide side;
  LegCredentials local[2];
  LegPeer b;
  CallWorkerLeg legs[2];
  IceAgent *agent;
  CallTap *taps;
  gsize n_taps;
  guint32 number, ssrc;
  void (*done)(gpointer user);
  void (*stats_done)(const CallStats *stats, gpointer user);
  gpointer user;
  CallStats stats;
} Order;

static Order *order_new(Call *call, OrderType type, CallSide side) {
  Order *order = g_new0(Order, 1);
  order->call = call_ref(call);
  order->type = type;
  order->side = side;
  return order;
}

static void order_free(gpointer data) {
  Order *order = data;
  for (guint i = 0; i < 2; i++)
    call_worker_leg_clear(&order->legs[i]);
  ice_agent_unref(order->agent);
  g_free(order->taps);
  call_unref(order->call);
  g_free(order);
}

static void order_carry_out(Worker *worker, gpointer data) {
  (void)worker;
  Order *order = data;
  CallWorker *packets = order->call->packets;
  switch (order->type) {
  case ORDER_START:
    call_worker_start(packets, order->local, order->b);
    break;
  case ORDER_USE_AGENT:
    call_worker_use_agent(packets, order->side, order->agent);
    break;
  case ORDER_APPLY:
    call_worker_apply(packets, CALL_A, &order->legs[CALL_A]);
    call_worker_apply(packets, CALL_B, &order->legs[CALL_B]);
    break;
  case ORDER_TAPS:
    call_worker_set_taps(packets, order->side, order->taps, order->n_taps);
    break;
  case ORDER_KEYFRAME:
    call_worker_request_keyframe(packets, order->side, order->number, order->ssrc);
    break;
  case ORDER_STATS:
    order->stats = call_worker_stats(packets);
    break;
  case ORDER_STOP:
    call_worker_stop(packets);
    break;
  }
}

static void order_answer(gpointer data) {
  const Order *order = data;
  if (order->done != NULL)
    order->done(order->user);
  if (order->stats_done != NULL)
    order->stats_done(&order->stats, order->user);
}

/* Comes after order_carry_out, and also when the worker ended before it: then its legs are gone too, and control is told all the same. */
static void order_return(gpointer data) {
  Order *order = data;
  if (order->done != NULL || order->stats_done != NULL)
    control_post(order->call->control, G_PRIORITY_DEFAULT, order_answer, order, order_free);
  else
    order_free(order);
}

static void order_send(Order *order) {
  worker_post(order->call->worker, order_carry_out, order, order_return);
}

/* --- a full agent towards B --- */

/* Enough was found, or waited for. */
static void be_ready(Call *call) {
  if (call->freed || call->gathering == NULL)
    return;
  g_source_destroy(call->gathering);
  g_clear_pointer(&call->gathering, g_source_unref);
  g_auto(GStrv) candidates = ice_agent_candidates(call->agent);
  negotiation_set_candidates(call->negotiation, CALL_B, (const char *const *)candidates);
  if (call->events.ready != NULL)
    call->events.ready(call, ice_agent_has_relay(call->agent) ? NULL : "the TURN server gave no address", call->user);
}

static gboolean on_gather_time_over(gpointer user) {
  be_ready(user);
  return G_SOURCE_REMOVE;
}

static void deliver_gathered(gpointer user) {
  be_ready(user);
}

static void unref(gpointer call) {
  call_unref(call);
}

/* Any thread. */
static void on_gathered(gpointer user) {
  Call *call = user;
  control_post(call->control, G_PRIORITY_DEFAULT, deliver_gathered, call_ref(call), unref);
}

static void use_agent(Call *call) {
  const LegCredentials *local = negotiation_credentials(call->negotiation, CALL_B);
  call->gathering = g_timeout_source_new(GATHER_MS);
  g_source_set_callback(call->gathering, on_gather_time_over, call_ref(call), unref);
  g_source_attach(call->gathering, call->control);
  call->agent = ice_agent_new(call->ice_service, local, on_gathered, call_ref(call), unref);
  Order *order = order_new(call, ORDER_USE_AGENT, CALL_B);
  order->agent = ice_agent_ref(call->agent);
  order_send(order);
}

static void tell_agent(Call *call, const NegotiationIce *ice) {
  if (call->agent == NULL || ice->ufrag == NULL)
    return;
  const IceRemote remote = {.ufrag = ice->ufrag,
                            .pwd = ice->pwd,
                            .candidates = (const char *const *)ice->candidates,
                            .controlling = ice->controlling,
                            .complete = ice->complete};
  ice_agent_set_remote(call->agent, negotiation_credentials(call->negotiation, CALL_B), &remote);
}

gboolean call_is_ready(const Call *call) {
  return call->gathering == NULL;
}

gboolean call_is_full(const Call *call) {
  return call->agent != NULL;
}

void call_remote_candidate(Call *call, const char *candidate) {
  const gboolean is_end = *candidate == '\0';
  if (call->ice == CALL_ICE_LITE || (!is_end && !g_str_has_prefix(candidate, "candidate:")))
    return;
  const char *value = is_end ? "" : candidate + strlen("candidate:");
  if (negotiation_add_candidate(call->negotiation, CALL_B, value) && call->agent != NULL)
    ice_agent_add_remote(call->agent, value);
}

Call *call_new(const CallConfig *config, const CallEvents *events, gpointer user) {
  Call *call = g_new0(Call, 1);
  atomic_init(&call->refs, 1);
  call->worker = config->worker;
  call->control = config->control != NULL ? g_main_context_ref(config->control) : g_main_context_ref(g_main_context_default());
  call->events = *events;
  call->user = user;
  call->negotiation = negotiation_new(transport_fingerprint(), config->addresses, config->port);
  call->packets = call_worker_new(config->worker, config->ring, config->gate, &WORKER_EVENTS, call);

  Order *order = order_new(call, ORDER_START, CALL_A);
  for (guint i = 0; i < 2; i++)
    order->local[i] = *negotiation_credentials(call->negotiation, (CallSide)i);
  order->b = config->b;
  order_send(order);
  call->ice = config->ice;
  call->ice_service = config->ice_service;
  if (call->ice == CALL_ICE_FULL)
    use_agent(call);
  return call;
}

void call_free(Call *call, void (*done)(gpointer user), gpointer user) {
  if (call == NULL)
    return;
  call->freed = TRUE;
  if (call->gathering != NULL)
    g_source_destroy(call->gathering);
  g_clear_pointer(&call->gathering, g_source_unref);
  g_clear_pointer(&call->agent, ice_agent_unref);
  g_clear_pointer(&call->negotiation, negotiation_free);
  Order *order = order_new(call, ORDER_STOP, CALL_A);
  order->done = done;
  order->user = user;
  order_send(order);
  call_unref(call);
}

/* Also of agents that are made on an SFU's word (fault 9). */
static gboolean has_room(const Call *call, CallSide from, SdpType type, const char *sdp) {
  return from != CALL_B || call->ice != CALL_ICE_AUTO || call->agent != NULL || !sdp_is_ice_lite(sdp, type) ||
         ice_service_has_room(call->ice_service);
}

gboolean call_description(Call *call, CallSide from, SdpType type, const char *sdp, char **out, GError **error) {
  NegotiationResult result = {0};
  if (from == CALL_A && !call_is_ready(call) && type != SDP_ROLLBACK) {
    g_set_error_literal(error, SDP_ERROR, SDP_ERROR_UNSUPPORTED, "the gate is still finding out how it can reach the other side");
    return FALSE;
  }
  if (!has_room(call, from, type, sdp)) {
    g_set_error_literal(error, SDP_ERROR, SDP_ERROR_NO_ROOM, "the gate has no room for one more leg with full ICE");
    return FALSE;
  }
  if (!negotiation_handle(call->negotiation, from, type, sdp, &result, error)) {
    negotiation_result_clear(&result);
    return FALSE;
  }
  *out = g_steal_pointer(&result.out);
  if (from == CALL_B && result.is_lite && call->ice == CALL_ICE_AUTO && call->agent == NULL)
    use_agent(call);
  if (result.agreed) {
    call->agreements++;
    Order *order = order_new(call, ORDER_APPLY, CALL_A);
    for (guint i = 0; i < 2; i++) {
      order->legs[i] = result.legs[i];
      result.legs[i] = (CallWorkerLeg){0};
    }
    order_send(order); /* before the answer leaves: its receiver's checks find the leg ready */
    tell_agent(call, &result.ice[CALL_B]);
  }
  call_ref(call); /* an event may free it */
  for (guint i = 0; i < 2; i++)
    if (result.tracks_changed[i] && !call->freed && call->events.tracks_changed != NULL)
      call->events.tracks_changed(call, (CallSide)i, call->user);
  call_unref(call);
  negotiation_result_clear(&result);
  return TRUE;
}

const char *call_remote_fingerprint(const Call *call, CallSide side) {
  const gboolean known = call->connected[side] && !call->ended[side] && *call->fingerprint[side] != '\0';
  return known ? call->fingerprint[side] : NULL;
}

const GArray *call_tracks(Call *call, CallSide side) {
  return negotiation_tracks(call->negotiation, side);
}

void call_set_taps(Call *call, CallSide side, const CallTap *taps, gsize n, void (*done)(gpointer user), gpointer user) {
  Order *order = order_new(call, ORDER_TAPS, side);
  order->taps = n > 0 ? g_memdup2(taps, n * sizeof *taps) : NULL;
  order->n_taps = n;
  order->done = done;
  order->user = user;
  order_send(order);
}

void call_request_keyframe(Call *call, CallSide side, guint32 number, guint32 ssrc) {
  Order *order = order_new(call, ORDER_KEYFRAME, side);
  order->number = number;
  order->ssrc = ssrc;
  order_send(order);
}

void call_stats(Call *call, void (*done)(const CallStats *stats, gpointer user), gpointer user) {
  Order *order = order_new(call, ORDER_STATS, CALL_A);
  order->stats_done = done;
  order->user = user;
  order_send(order);
}
