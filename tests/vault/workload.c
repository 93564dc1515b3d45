/* SPDX-License-Identifier: Apache-2.0 */
/* A script over a real vault: two sessions, two people, several segments, erases. Each line it prints was promised by an answer:
 * "committed ID SESSION PERSON SEQ", "asking SESSION PERSON|*", "erased SESSION PERSON|*", "unhealthy".
 *
 * usage: vault-workload DIR. The shim (fault-shim.c) may end it, or its disk, anywhere. Exit 0: the script ran to its end. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/vault/fixture.h"

#define PATIENCE_US     (3 * G_USEC_PER_SEC)
#define PATIENCE_EIO_US (G_USEC_PER_SEC / 3) /* what fails at once is not waited for as long, a thousand times over */

static void say(const char *format, ...) {
  char line[200];
  va_list values;
  va_start(values, format);
  const int n = g_vsnprintf(line, sizeof line, format, values);
  va_end(values);
  (void)!write(STDOUT_FILENO, line, (gsize)n);
}

typedef struct Script {
  Vault *vault;
  GMainContext *control;
  guint64 sealed;
  gboolean failed, unhealthy;
} Script;

static void on_sealed(const VaultSealed *sealed, gpointer user) {
  ((Script *)user)->sealed = sealed->segment;
}

static void on_failed(const char *session, guint32 take, const char *why, gpointer user) {
  (void)session;
  (void)take;
  (void)why;
  ((Script *)user)->failed = TRUE;
}

static void on_health(gboolean healthy, const char *why, gpointer user) {
  (void)why;
  ((Script *)user)->unhealthy |= !healthy;
  if (!healthy)
    say("unhealthy\n");
}

static gboolean wake(gpointer user) {
  (void)user;
  return G_SOURCE_CONTINUE;
}

/* FALSE: nothing came; the disk may be refusing. */
static gboolean wait_for(Script *script, const gboolean *a, const gboolean *b, gint64 patience_us) {
  const gint64 end_us = g_get_monotonic_time() + patience_us;
  while (!*a && !(b && *b) && g_get_monotonic_time() < end_us)
    g_main_context_iteration(script->control, TRUE);
  return *a;
}

static gboolean ask(Script *script, const char *session, guint64 request) {
  FixtureReply *reply = g_new0(FixtureReply, 1); /* not freed: a late answer may still come */
  const VaultRecording recording = {session, request, VAULT_SCOPE_AFTER, 60, "{}", "00", "e"};
  vault_recording_new(script->vault, &recording, fixture_done, reply);
  return wait_for(script, &reply->there, NULL, PATIENCE_US) && reply->ok;
}

static void record_one(Script *script, VaultTake *take, const char *session, const char *person, guint32 seq, gboolean commit) {
  guint8 bytes[20000];
  memset(bytes, 'A' + (int)seq, sizeof bytes);
  script->sealed = 0;
  VaultSegment *segment = fixture_segment(take, person, "0", seq);
  if (!segment)
    return;
  if (vault_segment_write(segment, bytes, sizeof bytes) != VAULT_WRITE_OK) {
    vault_segment_discard(segment);
    return;
  }
  vault_segment_seal(segment, 1, 2);
  gboolean there = FALSE;
  const gint64 end_us = g_get_monotonic_time() + PATIENCE_US;
  while (!there && !script->failed && g_get_monotonic_time() < end_us) {
    g_main_context_iteration(script->control, TRUE);
    there = script->sealed != 0;
  }
  if (!there || !commit)
    return;
  FixtureReply *reply = g_new0(FixtureReply, 1);
  vault_commit(script->vault, script->sealed, NULL, fixture_done, reply);
  if (wait_for(script, &reply->there, NULL, PATIENCE_US) && reply->ok)
    say("committed %" G_GUINT64_FORMAT " %s %s %u\n", script->sealed, session, person, seq);
}

static gboolean erase(Script *script, const char *session, VaultScope scope, const char *person, gint64 patience_us) {
  FixtureReply *reply = g_new0(FixtureReply, 1);
  const VaultErase order = {session, 0, scope, person, "withdrawn"};
  const char *whom = scope == VAULT_SCOPE_SESSION ? "*" : person;
  say("asking %s %s\n", session, whom);
  vault_erase(script->vault, &order, fixture_done, reply);
  if (!wait_for(script, &reply->there, NULL, patience_us) || !reply->ok)
    return FALSE;
  say("erased %s %s\n", session, whom);
  return TRUE;
}

int main(int argc, char **argv) {
  g_return_val_if_fail(argc == 2, 2);
  Script script = {.control = g_main_context_new()};
  const VaultEvents events = {on_sealed, on_failed, on_health, &script};
  GSource *tick = g_timeout_source_new(20);
  g_source_set_callback(tick, wake, NULL, NULL);
  g_source_attach(tick, script.control);
  script.vault = vault_open(argv[1], NULL, script.control, &events, NULL);
  if (!script.vault)
    return 3;
  ask(&script, "alpha", 1);
  ask(&script, "beta", 1);
  const guint8 consent_set[32] = {1};
  VaultTake *alpha = vault_take_new(script.vault, "alpha", 1, 1, consent_set),
            *beta = vault_take_new(script.vault, "beta", 1, 1, consent_set);
  for (guint seq = 0; seq < 3; seq++) {
    record_one(&script, alpha, "alpha", "a", seq, TRUE);
    record_one(&script, alpha, "alpha", "b", seq, TRUE);
    record_one(&script, beta, "beta", "a", seq, TRUE);
    record_one(&script, beta, "beta", "b", seq, seq < 2); /* the last one stays provisional */
  }
  /* On a full disk an erase still completes (fault 30), on one that fails it does not answer. */
  vault_take_kill(alpha, "withdrawn");
  const gboolean hopeless = (script.failed || script.unhealthy) && g_strcmp0(g_getenv("FAULT_MODE"), "eio") == 0;
  const gboolean done = erase(&script, "alpha", VAULT_SCOPE_SESSION, "a", hopeless ? PATIENCE_EIO_US : PATIENCE_US);
  vault_take_kill(beta, "withdrawn");
  const gboolean also = erase(&script, "beta", VAULT_SCOPE_PARTICIPANT, "b", done ? PATIENCE_US : G_USEC_PER_SEC / 10);
  vault_take_unref(alpha);
  vault_take_unref(beta);
  say("end %d %d\n", done, also);
  g_source_destroy(tick);
  g_source_unref(tick);
  vault_free(script.vault);
  g_main_context_unref(script.control);
  return 0;
}
