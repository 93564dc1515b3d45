/* SPDX-License-Identifier: Apache-2.0 */
/* Answers ICE connectivity checks as an ICE-lite agent (RFC 8445 section 7.3), on libnice's STUN library.
 *
 * Threads: one StunAgent belongs to one thread. No other state. */
#ifndef RECGATE_STUN_CHECK_H
#define RECGATE_STUN_CHECK_H

#include "pipelines/transport/address.h"

#include <stun/stunagent.h>

/* Who is meant by USERNAME ("ours:theirs"), and the password that MESSAGE-INTEGRITY must have been made with. FALSE: nobody. */
typedef gboolean (*StunCheckFind)(const guint8 *username, gsize n, const char **pwd, gpointer user);

typedef enum StunCheckVerdict {
  STUN_CHECK_REFUSED = 0, /* nothing changes and nothing is sent (fault 5) */
  STUN_CHECK_ANSWER_ONLY, /* authenticated, but not a check to act on: send the reply, change nothing */
  STUN_CHECK_VALID,       /* send the reply; the address it came from has proven itself */
} StunCheckVerdict;

#define STUN_CHECK_REPLY_BYTES_MAX 256

typedef struct StunCheck {
  guint32 priority;       /* PRIORITY; 0 without one */
  gboolean use_candidate; /* USE-CANDIDATE: nominated */
  guint8 reply[STUN_CHECK_REPLY_BYTES_MAX];
  gsize reply_bytes;
} StunCheck;

void stun_check_init_agent(StunAgent *agent);
StunCheckVerdict stun_check_answer(StunAgent *agent, const guint8 *bytes, gsize n, const Address *from, StunCheckFind find, gpointer user,
                                   StunCheck *check);

#endif
