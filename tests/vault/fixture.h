/* SPDX-License-Identifier: Apache-2.0 */
/* A vault in a directory of its own, with the control thread's part played by the test.
 *
 * Threads: the test's main thread. */
#ifndef RECGATE_TEST_VAULT_FIXTURE_H
#define RECGATE_TEST_VAULT_FIXTURE_H

#include "gate/vault/vault-reader.h"

typedef struct Fixture {
  char *dir;
  GMainContext *control;
  Vault *vault;
  GArray *sealed; /* guint64, in order */
  guint failed_takes, health_changes;
  char *failed_why;
  gboolean healthy;
} Fixture;

typedef struct FixtureReply { /* a copy of the last answer */
  gboolean there, ok;
  gint code; /* VaultError when not ok */
  gint64 leaf_index, done_us, asked_us;
  guint64 segments, bytes;
  gsize exports;
  char *exported_by;
} FixtureReply;

Fixture *fixture_new(const char *dir); /* NULL: a new temporary directory */
void fixture_free(Fixture *fixture);   /* closes, keeps the directory */
void fixture_remove(const char *dir);
void fixture_end(Fixture *fixture);    /* frees it and removes the directory */
void fixture_reopen(Fixture *fixture);

/* Runs the control context until *flag, for 30 s at most. */
void fixture_wait(Fixture *fixture, const gboolean *flag);
void fixture_wait_sealed(Fixture *fixture, guint n);
void fixture_done(const VaultReply *reply, gpointer user); /* user: a FixtureReply */

FixtureReply fixture_append(Fixture *fixture, const char *session, json_t *leaf);
FixtureReply fixture_request(Fixture *fixture, const char *session, guint64 request, VaultScope on_withdrawal);
VaultTake *fixture_take(Fixture *fixture, const char *session, guint64 request, guint32 take);
VaultSegment *fixture_segment(VaultTake *take, const char *participant, const char *track, guint32 seq);
/* Writes one and waits until it is sealed. */
guint64 fixture_sealed(Fixture *fixture, VaultTake *take, const char *participant, guint32 seq, const void *bytes, gsize n);
FixtureReply fixture_commit(Fixture *fixture, guint64 segment);
#define FIXTURE_NOT_THEIRS 77 /* a request that a withdrawal names wrongly */
FixtureReply fixture_erase(Fixture *fixture, const char *session, guint64 request, VaultScope scope, const char *participant);

guint fixture_count_files(const Fixture *fixture);
/* Files under DATA that contain these bytes. */
guint fixture_search(const char *dir, const void *bytes, gsize n);
/* Runs until nothing is left under segments/, 30 s at most. */
void fixture_wait_empty(Fixture *fixture);

#endif
