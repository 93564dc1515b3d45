/* SPDX-License-Identifier: Apache-2.0 */
/* A vault in a directory of its own. */
#include "tests/vault/fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <time.h>

#define WAIT_US (30 * G_USEC_PER_SEC)

static void on_sealed(const VaultSealed *sealed, gpointer user) {
  g_array_append_val(((Fixture *)user)->sealed, sealed->segment);
}

static void on_take_failed(const char *session, guint32 take, const char *why, gpointer user) {
  Fixture *fixture = user;
  (void)session;
  (void)take;
  fixture->failed_takes++;
  g_free(fixture->failed_why);
  fixture->failed_why = g_strdup(why);
}

static void on_health(gboolean healthy, const char *why, gpointer user) {
  Fixture *fixture = user;
  (void)why;
  fixture->healthy = healthy;
  fixture->health_changes++;
}

void fixture_reopen(Fixture *fixture) {
  const VaultEvents events = {on_sealed, on_take_failed, on_health, fixture};
  g_autoptr(GError) error = NULL;
  g_clear_pointer(&fixture->vault, vault_free);
  fixture->vault = vault_open(fixture->dir, NULL, fixture->control, &events, &error);
  g_assert_no_error(error);
  fixture->healthy = vault_healthy(fixture->vault);
}

Fixture *fixture_new(const char *dir) {
  Fixture *fixture = g_new0(Fixture, 1);
  fixture->dir = dir ? g_strdup(dir) : g_dir_make_tmp("vault-XXXXXX", NULL);
  fixture->control = g_main_context_new();
  fixture->sealed = g_array_new(FALSE, FALSE, sizeof(guint64));
  fixture_reopen(fixture);
  return fixture;
}

void fixture_free(Fixture *fixture) {
  vault_free(fixture->vault);
  g_main_context_unref(fixture->control);
  g_array_unref(fixture->sealed);
  g_free(fixture->failed_why);
  g_free(fixture->dir);
  g_free(fixture);
}

void fixture_remove(const char *path) {
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name(dir));) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    fixture_remove(child);
  }
  g_remove(path);
}

void fixture_end(Fixture *fixture) {
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

static gboolean wake(gpointer user) {
  (void)user;
  return G_SOURCE_CONTINUE;
}

static void iterate_until(Fixture *fixture, gboolean (*done)(Fixture *fixture, gconstpointer user), gconstpointer user) {
  const gint64 end_us = g_get_monotonic_time() + WAIT_US;
  GSource *tick = g_timeout_source_new(5); /* only so that the bound is noticed */
  g_source_set_callback(tick, wake, NULL, NULL);
  g_source_attach(tick, fixture->control);
  while (!done(fixture, user)) {
    g_assert_cmpint(g_get_monotonic_time(), <, end_us);
    g_main_context_iteration(fixture->control, TRUE);
  }
  g_source_destroy(tick);
  g_source_unref(tick);
}

static gboolean flag_set(Fixture *fixture, gconstpointer user) {
  (void)fixture;
  return *(const gboolean *)user;
}

void fixture_wait(Fixture *fixture, const gboolean *flag) {
  iterate_until(fixture, flag_set, flag);
}

static gboolean enough_sealed(Fixture *fixture, gconstpointer user) {
  return fixture->sealed->len >= *(const guint *)user;
}

void fixture_wait_sealed(Fixture *fixture, guint n) {
  iterate_until(fixture, enough_sealed, &n);
}

static gboolean empty(Fixture *fixture, gconstpointer user) {
  (void)user;
  return fixture_count_files(fixture) == 0;
}

void fixture_wait_empty(Fixture *fixture) {
  iterate_until(fixture, empty, NULL);
}

void fixture_done(const VaultReply *reply, gpointer user) {
  FixtureReply *copy = user;
  copy->there = TRUE;
  copy->ok = reply->error == NULL;
  copy->code = reply->error ? reply->error->code : -1;
  copy->leaf_index = reply->leaf_index;
  copy->segments = reply->segments;
  copy->bytes = reply->bytes;
  copy->done_us = reply->done_us;
  copy->exports = json_array_size(reply->exports);
  copy->exported_by = g_strdup(json_string_value(json_object_get(json_array_get(reply->exports, 0), "by")));
}

FixtureReply fixture_append(Fixture *fixture, const char *session, json_t *leaf) {
  FixtureReply reply = {0};
  vault_append(fixture->vault, session, leaf, fixture_done, &reply);
  fixture_wait(fixture, &reply.there);
  return reply;
}

FixtureReply fixture_request(Fixture *fixture, const char *session, guint64 request, VaultScope on_withdrawal) {
  FixtureReply reply = {0};
  const VaultRecording recording = {session, request, on_withdrawal, 86400, "{\"purpose\":\"education\"}", "5ca1ab1e", "expert-1"};
  vault_recording_new(fixture->vault, &recording, fixture_done, &reply);
  fixture_wait(fixture, &reply.there);
  return reply;
}

VaultTake *fixture_take(Fixture *fixture, const char *session, guint64 request, guint32 take) {
  guint8 consent_set[32];
  memset(consent_set, 0xc5, sizeof consent_set);
  return vault_take_new(fixture->vault, session, request, take, consent_set);
}

VaultSegment *fixture_segment(VaultTake *take, const char *participant, const char *track, guint32 seq) {
  const VaultSegmentInfo info = {participant, track, "video", "vp8", seq, FALSE};
  return vault_segment_new(take, &info);
}

static gint64 boot_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

guint64 fixture_sealed(Fixture *fixture, VaultTake *take, const char *participant, guint32 seq, const void *bytes, gsize n) {
  const guint before = fixture->sealed->len;
  VaultSegment *segment = fixture_segment(take, participant, "0", seq);
  g_assert_nonnull(segment);
  g_assert_cmpint(vault_segment_write(segment, bytes, n), ==, VAULT_WRITE_OK);
  vault_segment_seal(segment, boot_us() - 5 * G_USEC_PER_SEC, boot_us());
  fixture_wait_sealed(fixture, before + 1);
  return g_array_index(fixture->sealed, guint64, before);
}

FixtureReply fixture_commit(Fixture *fixture, guint64 segment) {
  FixtureReply reply = {0};
  vault_commit(fixture->vault, segment, json_pack("{s:i}", "expert-1", 7), fixture_done, &reply);
  fixture_wait(fixture, &reply.there);
  return reply;
}

FixtureReply fixture_erase(Fixture *fixture, const char *session, guint64 request, VaultScope scope, const char *participant) {
  FixtureReply reply = {.asked_us = boot_us()};
  const VaultErase erase = {.session = session,
                            .request = request,
                            .scope = scope,
                            .participant = participant,
                            .theirs = request == 0 || request == FIXTURE_NOT_THEIRS,
                            .reason = "withdrawn"};
  vault_erase(fixture->vault, &erase, fixture_done, &reply);
  fixture_wait(fixture, &reply.there);
  return reply;
}

guint fixture_count_files(const Fixture *fixture) {
  g_autofree char *path = g_build_filename(fixture->dir, "segments", NULL);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  guint n = 0;
  while (dir && g_dir_read_name(dir))
    n++;
  return n;
}

guint fixture_search(const char *path, const void *bytes, gsize n) {
  guint found = 0;
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name(dir));) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    found += fixture_search(child, bytes, n);
  }
  g_autofree char *text = NULL;
  gsize length = 0;
  if (!dir && g_file_get_contents(path, &text, &length, NULL))
    found += memmem(text, length, bytes, n) != NULL;
  return found;
}
