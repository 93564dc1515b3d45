/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/session-unrecorded.h"

typedef struct Unrecorded {
  const Member *member;
  void (*again)(gpointer user);
  GDestroyNotify forget;
  gpointer user;
  gboolean under_way; /* its leaf is on its way to the ledger once more */
} Unrecorded;

static Unrecorded *find(const Session *session, gconstpointer user, guint *place) {
  for (*place = 0; *place < session->unrecorded->len; (*place)++) {
    Unrecorded *one = session->unrecorded->pdata[*place];
    if (one->user == user)
      return one;
  }
  return NULL;
}

void session_unrecorded(Session *session, const Member *member, void (*again)(gpointer user), GDestroyNotify forget, gpointer user) {
  guint place;
  Unrecorded *one = find(session, user, &place);
  if (one == NULL) {
    one = g_new(Unrecorded, 1);
    *one = (Unrecorded){member, again, forget, user, FALSE};
    g_ptr_array_add(session->unrecorded, one);
  }
  one->under_way = FALSE;
  session_tell_health(session);
}

void session_unrecorded_done(Session *session, gconstpointer user) {
  guint place;
  Unrecorded *one = find(session, user, &place);
  if (one == NULL)
    return;
  g_ptr_array_remove_index(session->unrecorded, place);
  g_free(one);
  session_tell_health(session);
}

gboolean session_is_unrecorded(const Session *session, const Member *member) {
  for (guint i = 0; i < session->unrecorded->len; i++)
    if (((const Unrecorded *)session->unrecorded->pdata[i])->member == member)
      return TRUE;
  return FALSE;
}

/* In their order, and before whatever the working store lets happen next. */
void session_unrecorded_again(Session *session) {
  for (guint i = 0; i < session->unrecorded->len; i++) {
    Unrecorded *one = session->unrecorded->pdata[i];
    if (one->under_way)
      continue;
    one->under_way = TRUE;
    one->again(one->user);
  }
}

void session_unrecorded_forget(Session *session, const Member *member) {
  guint forgotten = 0;
  for (guint i = session->unrecorded->len; i-- > 0;) {
    Unrecorded *one = session->unrecorded->pdata[i];
    if (member != NULL && (one->member != member || one->under_way)) /* under way: it stands before the later act */
      continue;
    g_ptr_array_remove_index(session->unrecorded, i);
    one->forget(one->user);
    g_free(one);
    forgotten++;
  }
  if (forgotten > 0 && member != NULL)
    session_tell_health(session);
}
