/* SPDX-License-Identifier: Apache-2.0 */
/* Who consented and whose media it is are tied (R24): a signed grant names the DTLS certificates of its signer's own connections.
 *
 * Threads: control thread. */
#ifndef RECGATE_SESSION_SIGNATURE_H
#define RECGATE_SESSION_SIGNATURE_H

#include "signaling/session.h"

/* Where the message has a `signature`: checks it, ties it to the member's DTLS legs, and puts `signature` and `legs_checked` on the leaf. */
gboolean session_signature_take(Session *session, const Member *member, const json_t *message, json_t *leaf, GError **error);

#endif
