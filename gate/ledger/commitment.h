/* SPDX-License-Identifier: Apache-2.0 */
/* Salted commitments in place of personal data (R23): a leaf tells nothing of a person, yet nobody can say later that it meant another.
 *
 * Threads: the thread of the SQLite connection; commitment_make any thread.
 * A commitment is the base64url (no padding) of SHA-256("recgate commitment 1\n" || salt || kind || "\n" || text). The salt is 32 random bytes:
 * one for each session (participant ""), one for each person in each session, one for each of the gate's own people (session ""). The same person
 * has the same commitment throughout a session and an unlinkable one elsewhere. Erasing a salt leaves every leaf and every proof as it was. */
#ifndef RECGATE_LEDGER_COMMITMENT_H
#define RECGATE_LEDGER_COMMITMENT_H

#include "gate/ledger/ledger.h"

#define COMMITMENT_SALT_BYTES 32
#define COMMITMENT_TEXT_BYTES 44 /* 43 characters and the end */

void commitment_make(const guint8 salt[COMMITMENT_SALT_BYTES], const char *kind, const char *text, char commitment[COMMITMENT_TEXT_BYTES]);

/* A copy of `leaf` in which every field that may name or describe a person is a commitment (see commitment.c for which), its salt made where
 * there was none. A new reference; NULL and error when the store refuses. Inside the caller's open transaction. */
json_t *commitment_seal(sqlite3 *db, const json_t *leaf, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* FALSE with *found FALSE and no error: never made, or erased. */
gboolean commitment_salt(sqlite3 *db, const char *session, const char *participant, guint8 salt[COMMITMENT_SALT_BYTES], gboolean *found, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Erases one person's salt, or with participant NULL those of the session and of everybody in it. Inside the caller's open transaction. */
gboolean commitment_forget(sqlite3 *db, const char *session, const char *participant, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
