/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/relay.h"

#include <sodium.h>

#include "signaling/json.h"
#include "signaling/rate.h"

G_DEFINE_QUARK(recgate - relay - error, relay_error)

static void relay_go(Relay *relay, gboolean is_over) {
  void (*go)(Relay * relay, gpointer data) = g_steal_pointer(&relay->go);
  if (go != NULL)
    go(is_over ? NULL : relay, relay->data);
}

static void relay_free(gpointer data) {
  Relay *relay = data;
  relay_go(relay, TRUE);
  if (relay->link != NULL)
    session_sfu_unlink(relay->link);
  if (relay->over != NULL)
    relay->over(relay, relay->user);
  g_free(relay);
}

GHashTable *relays_new(void) {
  return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, relay_free);
}

void relay_end(Relay *relay) {
  g_hash_table_remove(relay->daemon->relays, relay->id);
}

static void on_link_ready(gpointer user) {
  relay_go(user, FALSE);
}

static void on_link_over(gpointer user) {
  Relay *relay = user;
  relay->link = NULL;
  relay_end(relay);
}

/* As each socket has a rate: many requests of one person must not keep the others waiting. */
static gboolean take_turn(Member *member, GError **error) {
  const gint64 rate = member->session->daemon->config->messages_per_s_max;
  if (rate_take(&member->described_until_us, daemon_now_us(), rate))
    return TRUE;
  g_set_error(error, RELAY_ERROR, RELAY_ERROR_FAST, "More than %d descriptions or batches of candidates of one person a second: slow down.",
              (int)rate);
  return FALSE;
}

Relay *relay_new(Daemon *daemon, const char *session, const char *participant, GError **error) {
  guint8 random[RELAY_ID_BYTES];
  Member *member = session_member_now(daemon, session, participant);
  if (member == NULL)
    g_set_error(error, RELAY_ERROR, RELAY_ERROR_NOT_JOINED,
                "“%s” is not in the session “%s”. First they join it with recgate.v1 on /v1/ws: without that no media of theirs passes.",
                participant, session);
  if (member == NULL || !take_turn(member, error))
    return NULL;
  Relay *relay = g_new0(Relay, 1);
  relay->daemon = daemon;
  relay->link = session_sfu_link(member, on_link_ready, on_link_over, relay);
  if (relay->link == NULL) {
    g_free(relay);
    g_set_error(error, RELAY_ERROR, RELAY_ERROR_MANY,
                "There are as many relays as one person may have (%d), or as the gate has room for: end those that are over.",
                SESSION_SFU_LINKS_MAX);
    return NULL;
  }
  g_strlcpy(relay->session, session, sizeof relay->session);
  g_strlcpy(relay->participant, participant, sizeof relay->participant);
  randombytes_buf(random, sizeof random);
  sodium_bin2hex(relay->id, sizeof relay->id, random, sizeof random);
  g_hash_table_insert(daemon->relays, relay->id, relay);
  return relay;
}

Relay *relay_find(Daemon *daemon, const char *id) {
  return g_hash_table_lookup(daemon->relays, id);
}

gboolean relay_when_ready(Relay *relay, void (*go)(Relay *relay, gpointer data), gpointer data) {
  if (relay->go != NULL)
    return FALSE;
  relay->go = go;
  relay->data = data;
  if (call_is_ready(relay->link->call))
    relay_go(relay, FALSE);
  return TRUE;
}

gboolean relay_begins_checks(const Relay *relay, SdpType type, const char *sdp) {
  return call_is_full(relay->link->call) || sdp_is_ice_lite(sdp, type);
}

static RelayError relay_error_of(const GError *why) {
  if (g_error_matches(why, SDP_ERROR, SDP_ERROR_NO_ROOM))
    return RELAY_ERROR_MANY;
  return g_error_matches(why, SDP_ERROR, SDP_ERROR_TOO_LARGE) ? RELAY_ERROR_TOO_LARGE : RELAY_ERROR_DESCRIPTION;
}

gboolean relay_describe(Relay *relay, CallSide from, SdpType type, const char *sdp, char **out, GError **error) {
  g_autoptr(GError) why = NULL;
  if (!take_turn(relay->link->member[CALL_A], error))
    return FALSE;
  if (from == CALL_A && sdp_is_ice_lite(sdp, type)) {
    g_set_error_literal(error, RELAY_ERROR, RELAY_ERROR_ICE_LITE,
                        "The client is ICE-lite (a=ice-lite), and so is the gate towards it: neither would begin. It needs full ICE.");
    return FALSE;
  }
  if (call_description(relay->link->call, from, type, sdp, out, &why))
    return TRUE;
  g_set_error(error, RELAY_ERROR, (int)relay_error_of(why), "The gate cannot pass this description: %s.", why->message);
  return FALSE;
}

gboolean relay_candidates(Relay *relay, CallSide from, const json_t *candidates, GError **error) {
  if (!take_turn(relay->link->member[CALL_A], error))
    return FALSE;
  for (gsize i = 0; from == CALL_B && i < json_array_size(candidates); i++)
    call_remote_candidate(relay->link->call, json_text_member(json_array_get(candidates, i), "candidate"));
  return TRUE;
}
