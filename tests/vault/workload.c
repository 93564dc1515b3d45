/* SPDX-License-Identifier: Apache-2.0 */
/* A script over a real vault: two sessions, two people, what they and an auditor do, several segments, erases. Each line it prints was promised by an answer:
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
  const VaultErase order = {.session = session, .scope = scope, .participant = person, .theirs = TRUE, .reason = "withdrawn"};
  const char *whom = scope == VAULT_SCOPE_SESSION ? "*" : person;
  say("asking %s %s\n", session, whom);
  vault_erase(script->vault, &order, fixture_done, reply);
  if (!wait_for(script, &reply->there, NULL, patience_us) || !reply->ok)
    return FALSE;
  say("erased %s %s\n", session, whom);
  return TRUE;
}

/* --- events that are leaves and state; several at once share a transaction --- */

static void note(Script *script, const char *session, json_t *leaf, FixtureReply *last) {
  vault_append(script->vault, session, leaf, last ? fixture_done : NULL, last);
}

static void wait_note(Script *script, const char *session, json_t *leaf) {
  FixtureReply *reply = g_new0(FixtureReply, 1);
  note(script, session, leaf, reply);
  wait_for(script, &reply->there, NULL, PATIENCE_US);
}

static json_t *answer(const char *type, const char *person) {
  return json_pack("{s:s, s:s, s:i, s:s}", "type", type, "participant", person, "request", 1, "disclosure_sha256", "00");
}

static void gather(Script *script, const char *session) {
  for (const char *person = "abe"; *person; person++) {
    const char id[] = {*person, '\0'}, name[] = {'N', *person, '\0'};
    note(script, session, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", id, "name", name, "role", "client"), NULL);
  }
  wait_note(script, session, json_pack("{s:s, s:s, s:s}", "type", "leave", "participant", "e", "reason", "left"));
  wait_note(script, session, json_pack("{s:s, s:s, s:s}", "type", "join", "participant", "e", "role", "expert"));
}

static void agree(Script *script, const char *session) {
  json_t *audio_only = answer("grant", "b");
  json_object_set_new(audio_only, "media", json_pack("[s]", "audio"));
  wait_note(script, session, answer("decline", "b"));
  wait_note(script, session, json_pack("{s:s, s:s}", "type", "offer", "participant", "b"));
  note(script, session, answer("grant", "a"), NULL);
  wait_note(script, session, audio_only);
  wait_note(script, session,
            json_pack("{s:s, s:i, s:i, s:[s, s, s]}", "type", "gate_open", "request", 1, "take", 1, "roster", "a", "b", "e"));
}

static void look(Script *script, const char *session) {
  note(script, session, json_pack("{s:s, s:s, s:s}", "type", "access", "by", "auditor-1", "what", "segments"), NULL);
  wait_note(script, session, json_pack("{s:s, s:s, s:s}", "type", "export_begin", "by", "auditor-1", "participant", "a"));
  wait_note(script, session, json_pack("{s:s, s:s, s:s}", "type", "export_begin", "by", "auditor-1", "participant", "a"));
  wait_note(script, session, json_pack("{s:s, s:s, s:s}", "type", "export_end", "by", "auditor-1", "participant", "a"));
}

static void withdraw(Script *script, const char *session, const char *person) {
  note(script, session, json_pack("{s:s, s:s, s:s}", "type", "withdraw", "participant", person, "scope", "session"), NULL);
  note(script, session, json_pack("{s:s, s:i, s:s}", "type", "gate_close", "take", 1, "reason", "withdrawn"), NULL);
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
  gather(&script, "alpha");
  gather(&script, "beta");
  agree(&script, "alpha");
  agree(&script, "beta");
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
  look(&script, "alpha");
  withdraw(&script, "alpha", "a");
  vault_take_kill(alpha, "withdrawn");
  const gboolean hopeless = (script.failed || script.unhealthy) && g_strcmp0(g_getenv("FAULT_MODE"), "eio") == 0;
  const gboolean done = erase(&script, "alpha", VAULT_SCOPE_SESSION, "a", hopeless ? PATIENCE_EIO_US : PATIENCE_US);
  wait_note(&script, "beta", answer("withdraw", "b")); /* and its take stays open: the next start closes it */
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
