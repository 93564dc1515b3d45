/* SPDX-License-Identifier: Apache-2.0 */
/* One handle of Janus: its PeerConnection is a call between somebody on the roster and Janus, or there is none. */
#include "signaling/janus.h"

#include "signaling/janus-rooms.h"
#include "signaling/json.h"

/* Janus 1.1 empties a handle's queue when its DTLS begins, so that a hangup that came just before is lost, and each one after it does nothing. */
#define HANGUP_S 2

JanusHandle *janus_handle_new(Janus *janus, gint64 id, gint64 session, const char *plugin) {
  JanusHandle *handle = g_new0(JanusHandle, 1);
  *handle = (JanusHandle){.janus = janus, .id = id, .session = session, .plugin = g_strdup(plugin)};
  return handle;
}

void janus_handle_free(gpointer data) {
  JanusHandle *handle = data;
  janus_handle_hangup(handle);
  janus_rooms_forget(handle);
  g_free(handle->plugin);
  g_free(handle);
}

void janus_handle_hangup(JanusHandle *handle) {
  Link *link = g_steal_pointer(&handle->link);
  g_clear_handle_id(&handle->hanging_up, g_source_remove);
  if (link == NULL)
    return;
  session_sfu_unlink(link);
  janus_wake(handle->janus); /* what waits for it to be ready would wait for ever */
}

/* The event names no PeerConnection. Janus reports the end of one before it takes up the handle's next (it waits for its cleaning up), so before it has
 * described that: until then it is of an earlier one. */
void janus_handle_hung_up(JanusHandle *handle) {
  g_clear_handle_id(&handle->hanging_up, g_source_remove);
  if (handle->at_janus)
    janus_handle_hangup(handle);
}

/* Janus has not said that it hung up. Who is here may have a use for the handle, Janus perhaps for its PeerConnection; who left has none (R15). */
static gboolean on_not_hung_up(gpointer user) {
  JanusHandle *handle = user;
  handle->hanging_up = 0;
  if (janus_member(handle->janus, NULL) == NULL)
    janus_end(handle->janus, "detach", (guint64)handle->session, (guint64)handle->id);
  return G_SOURCE_REMOVE;
}

static void on_ready(gpointer user) {
  janus_wake(((JanusHandle *)user)->janus);
}

static void on_over(gpointer user) {
  JanusHandle *handle = user;
  handle->link = NULL;
  janus_end(handle->janus, "hangup", (guint64)handle->session, (guint64)handle->id);
  if (handle->hanging_up == 0)
    handle->hanging_up = g_timeout_add_seconds(HANGUP_S, on_not_hung_up, handle);
  janus_wake(handle->janus);
}

Member *janus_member(Janus *janus, GError **error) {
  Member *member = session_member_now(janus->daemon, janus->session, janus->participant);
  if (member == NULL) {
    g_set_error_literal(
        error, JANUS_ERROR, JANUS_ERROR_UNAUTHORIZED,
        "not_joined: you are not in the session. Join it with recgate.v1 on /v1/ws first: without that no media of yours passes.");
    return NULL;
  }
  if (janus->entry == 0)
    janus->entry = member->entries;
  if (janus->entry == member->entries)
    return member;
  g_set_error_literal(
      error, JANUS_ERROR, JANUS_ERROR_UNAUTHORIZED,
      "replaced: you left the session or joined it once more, and this connection belongs to the time before. Open a new one.");
  return NULL;
}

/* The call of this PeerConnection; an offer begins one. */
static gboolean ensure_link(JanusHandle *handle, Member *member, SdpType type, GError **error) {
  if (handle->link != NULL)
    return TRUE;
  if (type == SDP_OFFER)
    handle->link = session_sfu_link(member, on_ready, on_over, handle);
  handle->is_fresh = handle->link != NULL;
  handle->at_janus = FALSE;
  if (handle->link != NULL)
    return TRUE;
  if (type == SDP_OFFER)
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_LIMIT,
                        "There are as many PeerConnections as one person may have, or as the gate has room for.");
  else
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_SDP, "An answer to no offer: that PeerConnection is over.");
  return FALSE;
}

gboolean janus_handle_must_wait(JanusHandle *handle, const json_t *jsep) {
  Member *member = janus_member(handle->janus, NULL);
  return member != NULL && ensure_link(handle, member, sdp_type_parse(json_text_member(jsep, "type")), NULL) &&
         !call_is_ready(handle->link->call);
}

void janus_handle_trickle(JanusHandle *handle, const char *candidate) {
  if (handle->link != NULL && candidate != NULL)
    call_remote_candidate(handle->link->call, candidate);
}

gboolean janus_handle_describe(JanusHandle *handle, CallSide from, json_t *jsep, GError **error) {
  Member *member = janus_member(handle->janus, error);
  if (member == NULL)
    return FALSE;
  const char *sdp = json_text_member(jsep, "sdp");
  const SdpType type = sdp_type_parse(json_text_member(jsep, "type"));
  if (sdp == NULL || (type != SDP_OFFER && type != SDP_ANSWER)) {
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_SDP, "A jsep has a “type” of offer or answer, and an “sdp”.");
    return FALSE;
  }
  if (!ensure_link(handle, member, type, error))
    return FALSE;
  handle->at_janus |= from == CALL_B;
  g_autoptr(GError) why = NULL;
  g_autofree char *out = NULL;
  if (!call_description(handle->link->call, from, type, sdp, &out, &why)) {
    if (handle->is_fresh)
      janus_handle_hangup(handle);
    g_set_error(error, JANUS_ERROR, JANUS_ERROR_SDP, "The gate cannot pass this description: %s.", why->message);
    return FALSE;
  }
  handle->is_fresh = FALSE;
  json_object_set_new(jsep, "sdp", json_string(out != NULL ? out : "")); /* the sender's own never passes */
  return TRUE;
}
