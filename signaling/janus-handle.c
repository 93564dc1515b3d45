/* SPDX-License-Identifier: Apache-2.0 */
/* One handle of Janus: its PeerConnection is a call between somebody on the roster and Janus, or there is none. */
#include "signaling/janus.h"

#include "signaling/janus-rooms.h"
#include "signaling/json.h"

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
  if (link != NULL)
    session_sfu_unlink(link);
}

static void on_ready(gpointer user) {
  janus_wake(((JanusHandle *)user)->janus);
}

static void on_over(gpointer user) {
  JanusHandle *handle = user;
  handle->link = NULL;
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
