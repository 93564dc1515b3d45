/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a session for everybody: each leaves, nobody has to be asked. What was committed stays, and everyone can still withdraw (R6, R14, R15). */
#include "signaling/session-report.h"

/* Sockets stay, for withdrawing and for one last `alive`: its number was sent after the gate closed, so it confirms all that was recorded (R10). */
static void dismiss(Session *session, Member *member, const Member *by, const Connection *asker, const char *re) {
  Connection *connection = g_steal_pointer(&member->connection);
  if (connection == NULL)
    return;
  connection->left = connection->ended = TRUE;
  const guint64 n = consent_next_number(session->consent, member->person, daemon_now_us());
  json_t *message = json_pack("{s:s, s:s, s:I}", "type", "session.ended", "by", by->id, "n", (json_int_t)n);
  if (connection == asker && re != NULL)
    json_object_set_new(message, "re", json_string(re));
  socket_send(connection->socket, message);
}

void session_end(Session *session, const Member *by, const char *re) {
  const Connection *asker = by->connection;
  session_leaf(session, "session_end", json_pack("{s:s}", "participant", by->id));
  for (guint i = 0; i < session->members->len; i++) {
    const Member *member = session->members->pdata[i];
    if (member->on_roster)
      session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_LEAVE, .person = member->person});
  }
  for (guint i = 0; i < session->members->len; i++)
    dismiss(session, session->members->pdata[i], by, asker, re);
}
