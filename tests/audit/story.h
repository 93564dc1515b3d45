/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory written by hand, leaf by leaf, true or false as a test wants it.
 *
 * Threads: the test's main thread.
 * One line a leaf: its type, then name=value. A value is a number, true or false, or a text; of some names it is a list: roster=anna,ben
 * confirmed=anna:7900,ben:7900,:7900:true (before_us, sfu) segments=7:anna:a:0 (id, participant, track, seq) recordings=1:3:2 (request, scope, segments).
 * The session is "s" unless session=... says otherwise; session=- is none. `t` is 1000 for the first leaf and 1000 more for each after it.
 * What is committed gets its record, its file and a key; what is dropped or purged loses them, as the vault does it. */
#ifndef RECGATE_TEST_AUDIT_STORY_H
#define RECGATE_TEST_AUDIT_STORY_H

#include <sqlite3.h>

#include "gate/audit/audit.h"
#include "gate/ledger/note.h"

typedef struct Story {
  char *dir, *key; /* key: the verifier's text */
  sqlite3 *db;
  LedgerKey *ledger_key;
  guint64 leaves;
  gint64 slots;
} Story;

Story *story_new(void);
void story_free(Story *story); /* and its directory */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Story, story_free)
void story_tell(Story *story, const char *lines); /* separated by newlines; then signs */
void story_append(Story *story, json_t *leaf);    /* takes it; does not sign */
void story_sign(Story *story);
void story_sql(Story *story, const char *sql);
char *story_save(Story *story, const char *name, const char *text); /* a file beside the database; its path, g_free it */
char *story_checkpoint(Story *story, const char *name);             /* saves the newest checkpoint */

/* What the audit says. */
json_t *story_verdict(const Story *story, const char *const *checkpoints, const char *tiles);
/* rule NULL: all is well. Else the first finding: its rule, its leaf (-1: any). */
void story_expect(const json_t *verdict, const char *about, const char *rule, gint64 leaf);

#endif
