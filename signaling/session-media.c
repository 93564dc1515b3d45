/* SPDX-License-Identifier: Apache-2.0 */
/* Media between people: one call for each pair on the roster, all of a session on one worker. */
#include "signaling/session-media.h"

#include "signaling/janus-rooms.h"

#include <string.h>

static Link *find_link(Session *session, const Member *a, const Member *b) {
  for (guint i = 0; i < session->links->len; i++) {
    Link *link = session->links->pdata[i];
    if ((link->member[0] == a && link->member[1] == b) || (link->member[0] == b && link->member[1] == a))
      return link;
  }
  return NULL;
}

static void on_connected(Call *call, CallSide side, gpointer user) {
  (void)call;
  Link *link = user;
  link->connected[side] = TRUE;
  session_take_tracks_changed(link->session);
}

/* The worker has let go of one call of somebody who left or was replaced. */
typedef struct Ending {
  Session *session;
  Member *member;
} Ending;

static void legs_ended(Session *session, Member *member) {
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_LEGS_ENDED, .person = member->person});
  if (member->on_roster && member->greeted)
    session_connect(session, member);
}

static void on_call_gone(gpointer user) {
  g_autofree Ending *ending = user;
  if (--ending->member->legs_ending == 0)
    legs_ended(ending->session, ending->member);
}

/* Until the worker has let go of it, this person's legs have not ended (R15). */
static void link_end(Link *link, Member *member) {
  Ending *ending = g_new(Ending, 1);
  *ending = (Ending){link->session, member};
  member->legs_ending++;
  call_free(link->call, on_call_gone, ending);
  if (link->over != NULL)
    link->over(link->user);
  g_ptr_array_remove(link->session->links, link);
}

static gboolean renew_broken(gpointer data) {
  Session *session = data;
  for (guint i = session->links->len; i-- > 0;) {
    Link *link = session->links->pdata[i];
    if (!link->broken)
      continue;
    if (link_is_with_sfu(link)) {
      link_end(link, link->member[CALL_A]);
      continue;
    }
    Member *member = link->member[CALL_B];
    call_free(link->call, NULL, NULL);
    g_ptr_array_remove_index(session->links, i);
    session_connect(session, member);
  }
  session->renewing = FALSE;
  session_take_tracks_changed(session);
  return G_SOURCE_REMOVE;
}

/* A leg that ended by itself ends its call. A pair is told to negotiate anew; an SFU and its client notice that the other leg is gone.
 * Not from inside the call's own event. */
static void on_ended(Call *call, CallSide side, const char *why, gpointer user) {
  (void)call;
  Link *link = user;
  Session *session = link->session;
  if (link->member[side] != NULL)
    g_debug("session=%s leg=%s ended why=%s", session->id, link->member[side]->id, why);
  else
    g_message("event=sfu_leg_ended session=%s participant=%s why=\"%s\"", session->id, link->member[CALL_A]->id, why);
  link->connected[side] = FALSE;
  link->broken = TRUE;
  if (!session->renewing)
    g_idle_add(renew_broken, session);
  session->renewing = TRUE;
}

static void on_tracks_changed(Call *call, CallSide side, gpointer user) {
  (void)call, (void)side;
  session_take_tracks_changed(((Link *)user)->session);
}

static void on_ready(Call *call, const char *lacks, gpointer user) {
  (void)call;
  Link *link = user;
  if (lacks != NULL)
    g_warning("event=turn_failed session=%s participant=%s why=\"%s\" advice=\"[sfu] turn, turn_user and turn_password_file: is the server "
              "reached, and are they what it knows?\"",
              link->session->id, link->member[CALL_A]->id, lacks);
  if (link->ready != NULL)
    link->ready(link->user);
}

static void on_overrun(Call *call, guint32 take, gpointer user) {
  (void)call;
  Session *session = ((Link *)user)->session;
  g_warning("event=take_failed session=%s take=%u why=\"recording could not keep up: its queue was full\"", session->id, take);
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_TAKE_FAILED, .take = take, .reason = CONSENT_REASON_OVERRUN});
}

static const CallEvents CALL_EVENTS = {on_connected, on_ended, on_tracks_changed, on_ready, on_overrun};

/* Janus passes on what the gate itself wrote for another one's leg (VideoCall): what it says of ICE-lite tells nothing. */
static CallIce sfu_ice(const Config *config) {
  if (g_str_equal(config->sfu_ice, "full"))
    return CALL_ICE_FULL;
  return g_str_equal(config->sfu_mode, "relays") ? CALL_ICE_AUTO : CALL_ICE_LITE;
}

static Link *link_new(Session *session, Member *a, Member *b) {
  Link *link = g_new0(Link, 1);
  link->session = session;
  link->number = ++session->daemon->last_call;
  link->member[CALL_A] = a;
  link->member[CALL_B] = b;
  const CallConfig config = {
      .worker = session->lane->worker,
      .ring = session->lane->ring,
      .gate = session->gate,
      .addresses = (const char *const *)session->daemon->config->announce,
      .port = worker_port(session->lane->worker),
      .control = session->daemon->control,
      .b = b == NULL ? LEG_SFU : LEG_CLIENT,
      .ice = b == NULL ? sfu_ice(session->daemon->config) : CALL_ICE_LITE,
      .ice_service = session->daemon->ice,
  };
  link->call = call_new(&config, &CALL_EVENTS, link);
  g_ptr_array_add(session->links, link);
  return link;
}

void session_connect(Session *session, Member *member) {
  const gboolean has_sfu = config_has_sfu(session->daemon->config);
  for (guint i = 0; !has_sfu && i < session->members->len; i++) {
    Member *other = session->members->pdata[i];
    if (other == member || !member->on_roster || !other->on_roster || !other->greeted || other->legs_ending > 0 ||
        find_link(session, member, other) != NULL)
      continue;
    const json_int_t number = (json_int_t)link_new(session, other, member)->number;
    member_send(other, json_pack("{s:s, s:s, s:b, s:I}", "type", "peer.ready", "id", member->id, "polite", FALSE, "call", number));
    member_send(member, json_pack("{s:s, s:s, s:b, s:I}", "type", "peer.ready", "id", other->id, "polite", TRUE, "call", number));
  }
}

Link *session_sfu_link(Member *member, void (*ready)(gpointer user), void (*over)(gpointer user), gpointer user) {
  Session *session = member->session;
  guint count = 0;
  for (guint i = 0; i < session->links->len; i++)
    count += ((const Link *)session->links->pdata[i])->member[CALL_A] == member;
  if (count >= SESSION_SFU_LINKS_MAX || (sfu_ice(session->daemon->config) == CALL_ICE_FULL && !ice_service_has_room(session->daemon->ice)))
    return NULL;
  Link *link = link_new(session, member, NULL);
  link->ready = ready;
  link->over = over;
  link->user = user;
  return link;
}

void session_sfu_unlink(Link *link) {
  Session *session = link->session;
  link->ready = link->over = NULL;
  link->broken = TRUE;
  session_take_tracks_changed(session);             /* first: a take that goes on without it still gets its last packets */
  if (g_ptr_array_find(session->links, link, NULL)) /* that event may have found its person gone */
    link_end(link, link->member[CALL_A]);
}

void session_end_legs(Session *session, Member *member) {
  janus_rooms_part(session, member);
  for (guint i = session->links->len; i-- > 0;) {
    Link *link = session->links->pdata[i];
    if (link->member[CALL_A] == member || link->member[CALL_B] == member)
      link_end(link, member);
  }
  if (member->legs_ending == 0)
    session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_LEGS_ENDED, .person = member->person});
}

gboolean session_signal(Session *session, Member *from, Member *to, json_t *message, GError **error) {
  const json_t *description = json_object_get(message, "description");
  if (description == NULL)
    return TRUE; /* a trickled candidate: an ICE-lite gate learns addresses from checks alone */
  Link *link = find_link(session, from, to);
  if (link == NULL) {
    g_set_error(error, SDP_ERROR, SDP_ERROR_UNSUPPORTED, "There is no call with that participant now: wait for peer.ready.");
    return FALSE;
  }
  const json_t *number = json_object_get(message, "call");
  if (json_is_integer(number) && (guint64)json_integer_value(number) != link->number)
    return TRUE; /* of a connection that is no more; its sender has been told to make another */
  const char *type_text = json_string_value(json_object_get(description, "type"));
  const char *sdp = json_string_value(json_object_get(description, "sdp"));
  SdpType type = sdp_type_parse(type_text);
  if (type == SDP_NONE || (sdp == NULL && type != SDP_ROLLBACK)) {
    g_set_error(error, SDP_ERROR, SDP_ERROR_MALFORMED,
                "“description” needs a “type” of offer, answer, pranswer or rollback, and an “sdp”.");
    return FALSE;
  }
  g_autofree char *out = NULL;
  CallSide side = link->member[CALL_A] == from ? CALL_A : CALL_B;
  if (!call_description(link->call, side, type, sdp != NULL ? sdp : "", &out, error))
    return FALSE;
  if (out != NULL)
    member_send(to,
                json_pack("{s:s, s:s, s:{s:s, s:s}}", "type", "signal", "from", from->id, "description", "type", type_text, "sdp", out));
  return TRUE;
}
