/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison is dated as a heartbeat is: by the number that its answer echoes, which was given out before the SFU was asked. */
#include "signaling/api-roster.h"

#include "signaling/json.h"

/* When a number was given out; 0: it never was, or is forgotten. */
static gint64 asked_us(const Session *session, const json_t *echo) {
  const guint64 n = json_is_integer(echo) && json_integer_value(echo) > 0 ? (guint64)json_integer_value(echo) : 0;
  if (n == 0 || n > session->roster_n || session->roster_n - n >= SESSION_ROSTER_NUMBERS)
    return 0;
  return session->roster_asked_us[n % SESSION_ROSTER_NUMBERS];
}

/* Of those named: *unknown, who were never here, and *gone, who just left perhaps. FALSE: not a list of ids. */
static gboolean compare(Session *session, const json_t *participants, json_t *unknown, gboolean *gone) {
  size_t i;
  const json_t *one;
  if (!json_is_array(participants))
    return FALSE;
  json_array_foreach(participants, i, one) {
    const char *id = json_string_value(one);
    if (id == NULL || !token_id_is_valid(id))
      return FALSE;
    const Member *member = session_member(session, id);
    if (member == NULL || member->entries == 0)
      json_array_append_new(unknown, json_string(id));
    else if (session_member_now(session->daemon, session->id, id) == NULL)
      *gone = TRUE;
  }
  return TRUE;
}

/* Somebody unknown closes at once; without a number of ours, and while somebody's going may not have reached the SFU yet, nothing is decided, so
 * that nothing is kept either and the lease closes the gate. */
static void tell(Session *session, gboolean found, gboolean gone, gint64 from_us) {
  if (found)
    session_event(session, &(ConsentEvent){
                               .type = CONSENT_EVENT_COMPARED, .reason = CONSENT_REASON_UNKNOWN_PARTICIPANT, .asked_us = daemon_now_us()});
  else if (!gone && from_us > 0)
    session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_COMPARED, .asked_us = from_us});
}

void api_roster(HttpRequest *request, Daemon *daemon, const char *id, const Token *token) {
  Session *session = session_get(daemon, id, FALSE);
  json_auto_t *unknown = json_array();
  gboolean gone = FALSE;
  if (!g_str_equal(daemon->config->sfu_mode, "relays"))
    http_respond_error(request, 404, "relays_off", "This gate compares with no application's SFU: its operator sets [sfu] mode = relays.");
  else if (token->role != TOKEN_ROLE_SERVICE)
    http_respond_error(request, 403, "wrong_role", "Only a service says who is with the SFU.");
  else if (session == NULL || session->consent == NULL)
    http_respond_error(request, 404, "unknown_session", "Nobody has joined that session yet.");
  else if (!compare(session, json_object_get(http_body(request), "participants"), unknown, &gone))
    http_respond_error(request, 400, "bad_participants", "“participants” is a list of participant ids: everybody who is with the SFU now.");
  else {
    tell(session, json_array_size(unknown) > 0, gone, asked_us(session, json_object_get(http_body(request), "echo")));
    session->roster_n++;
    session->roster_asked_us[session->roster_n % SESSION_ROSTER_NUMBERS] = daemon_now_us();
    http_respond_json(request, 200, json_pack("{s:I, s:O}", "n", (json_int_t)session->roster_n, "unknown", unknown));
  }
}
