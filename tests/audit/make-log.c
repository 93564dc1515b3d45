/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a data directory with a log of many leaves, as the vault would write it, for tests/bench/verify.sh.
 *
 * usage: audit-make-log DIR LEAVES [KEPT]: sessions of some 500 leaves, two people each; all but the last KEPT are past their time and erased. */
#include <glib/gstdio.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/note.h"
#include "gate/vault/store.h"

#define SEGMENTS 480 /* of a session */

typedef struct Maker {
  const char *dir;
  sqlite3 *db;
  guint64 leaves, segment;
  gint64 t;
  gint64 slots;
  FILE *keys;
  char session[32];
} Maker;

static void must(gboolean done, const GError *error) {
  if (!done)
    g_error("%s", error ? error->message : "failed");
}

static void leaf(Maker *maker, json_t *plain) {
  g_autoptr(GError) error = NULL;
  gint64 index;
  json_object_set_new(plain, "session", json_string(maker->session));
  json_object_set_new(plain, "at", json_integer(1700000000000 + maker->t / 1000));
  json_object_set_new(plain, "t", json_integer(maker->t));
  maker->t += 1000;
  json_t *sealed = commitment_seal(maker->db, plain, &error);
  must(sealed && ledger_append(maker->db, sealed, &index, NULL, &error), error);
  maker->leaves = (guint64)index + 1;
  json_decref(sealed);
  json_decref(plain);
}

static void row(Maker *maker, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *sql = sqlite3_vmprintf(format, values);
  va_end(values);
  char *why = NULL;
  if (sqlite3_exec(maker->db, sql, NULL, NULL, &why) != SQLITE_OK)
    g_error("%s", why);
  sqlite3_free(sql);
}

static void segment(Maker *maker, int recording, const char *who, int seq, gboolean kept) {
  g_autofree char *media = g_strdup_printf("media %d", (int)maker->segment);
  g_autofree char *sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, media, -1);
  const guint64 id = ++maker->segment;
  const json_int_t first = maker->t - 900, last = maker->t - 100;
  leaf(maker,
       json_pack("{s:s, s:i, s:i, s:I, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:i, s:b, s:s, s:s, s:[{s:s, s:i, s:I}, {s:s, s:i, s:I}]}",
                 "type", "commit", "request", 1, "take", 1, "segment", (json_int_t)id, "participant", who, "track", "0", "medium", "audio",
                 "seq", seq, "start", 1, "end", 2, "first_us", first, "last_us", last, "bytes", (int)strlen(media), "continues", 0,
                 "sha256", sha256, "consent_set", "c5c5", "confirmed", "participant", "anna", "n", 7, "before_us", last + 1, "participant",
                 "ben", "n", 7, "before_us", last + 1));
  row(maker,
      "INSERT INTO segments(id, recording, take, participant, track, medium, codec, seq, continues, start_at, end_at, bytes, sha256, "
      "consent_set, wrapped)"
      " VALUES(%lld, %d, 1, %Q, '0', 'audio', 'opus', %d, 0, 1, 2, %d, %Q, 'c5c5', %s)",
      (gint64)id, recording, who, seq, (int)strlen(media), sha256, kept ? "zeroblob(60)" : "NULL");
  g_autofree char *path = g_strdup_printf("%s/segments/%016" G_GINT64_MODIFIER "x.seg", maker->dir, id);
  if (kept)
    must(g_file_set_contents(path, media, -1, NULL), NULL);
}

static void holder(Maker *maker, int recording, const char *who, gboolean kept) {
  static const char slot[512] = "RGKEY01";
  row(maker, "INSERT INTO holders(recording, participant, slot) VALUES(%d, %Q, %s)", recording, who, "NULL");
  if (!kept)
    return;
  row(maker, "UPDATE holders SET slot = %d WHERE recording = %d AND participant = %Q", (int)maker->slots++, recording, who);
  must(fwrite(slot, sizeof slot, 1, maker->keys) == 1, NULL);
}

static void session(Maker *maker, int number, gboolean kept) {
  static const char *const people[] = {"anna", "ben"};
  g_snprintf(maker->session, sizeof maker->session, "session-%d", number);
  row(maker,
      "INSERT INTO recordings(id, session, request, on_withdrawal, retention_s, disclosure, sha256, at) VALUES(%d, %Q, 1, 3, 1, '', '', 1)",
      number, maker->session);
  for (guint i = 0; i < 2; i++)
    leaf(maker,
         json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", people[i], "name", people[i], "role", i ? "client" : "expert"));
  leaf(maker, json_pack("{s:s, s:i, s:s, s:s, s:s}", "type", "request", "request", 1, "asker", "anna", "on_withdrawal", "session",
                        "disclosure_sha256", "d"));
  for (guint i = 0; i < 2; i++)
    leaf(maker, json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "grant", "participant", people[i], "request", 1, "media", "all",
                          "disclosure_sha256", "d"));
  leaf(maker, json_pack("{s:s, s:i, s:i, s:[ss], s:i}", "type", "gate_open", "request", 1, "take", 1, "roster", "anna", "ben", "absent_ms",
                        30000));
  for (int i = 0; i < SEGMENTS; i++)
    segment(maker, number, people[i % 2], i / 2, kept);
  for (guint i = 0; i < 2; i++)
    holder(maker, number, people[i], kept);
  leaf(maker, json_pack("{s:s, s:s}", "type", "stop", "participant", "anna"));
  leaf(maker, json_pack("{s:s, s:i, s:s, s:b}", "type", "gate_close", "take", 1, "reason", "stopped", "discard", 0));
  for (guint i = 0; i < 2; i++)
    leaf(maker, json_pack("{s:s, s:s, s:s}", "type", "leave", "participant", people[i], "reason", "left"));
  if (!kept)
    leaf(maker, json_pack("{s:s, s:s, s:[{s:i, s:i, s:i}]}", "type", "purge", "reason", "expired", "recordings", "request", 1, "scope", 3,
                          "segments", SEGMENTS));
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  const guint64 leaves = argc > 2 ? g_ascii_strtoull(argv[2], NULL, 10) : 0, kept = argc > 3 ? g_ascii_strtoull(argv[3], NULL, 10) : 0;
  if (leaves == 0 || sodium_init() < 0)
    g_error("usage: audit-make-log DIR LEAVES [KEPT]");
  g_autofree char *segments = g_build_filename(argv[1], "segments", NULL), *keys = g_build_filename(argv[1], "keys", NULL);
  g_autofree char *secret_path = g_build_filename(argv[1], "ledger.key", NULL);
  must(g_mkdir_with_parents(segments, 0700) == 0, NULL);
  Maker maker = {.dir = argv[1], .db = store_open(argv[1], TRUE, &error), .keys = fopen(keys, "w")};
  must(maker.db && maker.keys && store_prepare(maker.db, &error), error);
  g_autoptr(LedgerKey) key = ledger_key_new("bench.test/log");
  char *secret = ledger_key_text(key);
  must(g_file_set_contents(secret_path, secret, -1, &error), error);
  note_text_free(secret);
  row(&maker, "PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; BEGIN");
  const guint64 sessions = MAX(leaves / (SEGMENTS + 11), 1);
  for (guint64 i = 1; i <= sessions; i++)
    session(&maker, (int)i, i + kept > sessions);
  g_strlcpy(maker.session, "rest", sizeof maker.session);
  while (maker.leaves < leaves)
    leaf(&maker, json_pack("{s:s}", "type", "note"));
  must(ledger_sign(maker.db, key, &error), error);
  row(&maker, "COMMIT");
  store_close(maker.db);
  return fclose(maker.keys);
}
