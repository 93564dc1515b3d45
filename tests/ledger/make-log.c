/* SPDX-License-Identifier: Apache-2.0 */
/* What the verifier that was written from the specifications is compared with (spec.test.mjs).
 *
 * usage: make-log DIR SIZE…: a log that grows to each size in turn, its tiles and leaves as files under DIR (c2sp.org/tlog-tiles); prints
 *   {"key", "logs": [{"size", "root", "checkpoint", "inclusion": [{"index", "leaf", "path", "file"}], "consistency": [{"old", "path"}]}]}.
 * usage: make-log --judge: reads [{"key", "checkpoint", "leaf", "file"} or {"index", "size", "hash", "root", "path"} or
 *   {"old", "old_root", "size", "root", "path"}], prints [true | false] as our code sees it. Hashes are base64. */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "gate/ledger/proof.h"

#define LEAF_TEXT_MAX 65000

typedef struct Maker {
  sqlite3 *db;
  LedgerKey *key;
  const char *dir;
  guint64 size;
} Maker;

static void sql(sqlite3 *db, const char *text) {
  g_assert_cmpint(sqlite3_exec(db, text, NULL, NULL, NULL), ==, SQLITE_OK);
}

/* One of every length class: mostly short, some long, one nearly as long as a leaf may be. */
static void append(Maker *maker) {
  g_autoptr(GError) error = NULL;
  const gsize n = maker->size == 254 ? LEAF_TEXT_MAX : maker->size % 1000 == 7 ? 2000 : maker->size % 50;
  g_autofree char *text = g_strnfill(n, 'x');
  json_t *leaf = json_pack("{s:s, s:I, s:s}", "type", "x", "at", (json_int_t)maker->size, "more", text);
  gint64 index;
  if (!ledger_append(maker->db, leaf, &index, NULL, &error))
    g_error("%s", error->message);
  json_decref(leaf);
  maker->size++;
}

static json_t *hash_json(const MerkleHash *hash) {
  g_autofree char *text = note_base64(hash->bytes, sizeof hash->bytes);
  return json_string(text);
}

static json_t *path_json(const MerkleProof *proof) {
  json_t *list = json_array();
  for (gsize i = 0; i < proof->n; i++)
    json_array_append_new(list, hash_json(&proof->path[i]));
  return list;
}

static void write_file(const char *dir, const char *level, guint64 index, guint width, GBytes *bytes) {
  g_assert_cmpuint(index, <, 1000000);
  g_autofree char *place =
      index < 1000 ? g_strdup_printf("%03u", (guint)index) : g_strdup_printf("x%03u/%03u", (guint)(index / 1000), (guint)(index % 1000));
  g_autofree char *partial = width < LEDGER_TILE_WIDTH ? g_strdup_printf(".p/%u", width) : g_strdup("");
  g_autofree char *path = g_strdup_printf("%s/tile/%s/%s%s", dir, level, place, partial);
  g_autofree char *parent = g_path_get_dirname(path);
  g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
  gsize n;
  const char *data = g_bytes_get_data(bytes, &n);
  g_assert_true(g_file_set_contents_full(path, data, (gssize)n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_bytes_unref(bytes);
}

/* Those of this size that are not there from a smaller one. */
static void write_tiles(const Maker *maker, guint64 from) {
  guint64 first = from, hashes = maker->size;
  for (guint level = 0; hashes > 0; level++, first /= LEDGER_TILE_WIDTH, hashes /= LEDGER_TILE_WIDTH) {
    char name[16];
    g_snprintf(name, sizeof name, "%u", level);
    for (guint64 index = first / LEDGER_TILE_WIDTH; index * LEDGER_TILE_WIDTH < hashes; index++) {
      const guint width = (guint)MIN(LEDGER_TILE_WIDTH, hashes - index * LEDGER_TILE_WIDTH);
      write_file(maker->dir, name, index, width, ledger_tile(maker->db, level, index, width, NULL));
      if (level == 0)
        write_file(maker->dir, "entries", index, width, ledger_entries(maker->db, index, width, NULL));
    }
  }
}

static json_t *inclusion_json(const Maker *maker, guint64 index) {
  g_autoptr(GError) error = NULL;
  MerkleProof proof;
  if (!proof_inclusion(maker->db, index, maker->size, &proof, &error))
    g_error("%s", error->message);
  g_autofree char *leaf = ledger_leaf(maker->db, index, &error), *file = proof_file(maker->db, index, &error);
  return json_pack("{s:I, s:s, s:o, s:s}", "index", (json_int_t)index, "leaf", leaf, "path", path_json(&proof), "file", file);
}

static json_t *log_json(const Maker *maker, char *const *sizes) {
  g_autoptr(GError) error = NULL;
  LedgerCheckpoint now = {.size = maker->size};
  json_t *inclusion = json_array(), *consistency = json_array();
  if (!ledger_sign(maker->db, maker->key, &error) || !proof_root(maker->db, maker->size, &now.root, &error))
    g_error("%s", error->message);
  g_autofree char *stored = ledger_checkpoint(maker->db, NULL);
  g_autofree char *note = stored ? g_strdup(stored) : note_checkpoint(maker->key, &now);
  for (guint64 i = 0; i < maker->size; i += MAX(1, maker->size / 40))
    json_array_append_new(inclusion, inclusion_json(maker, i));
  if (maker->size > 0)
    json_array_append_new(inclusion, inclusion_json(maker, maker->size - 1));
  for (; *sizes && g_ascii_strtoull(*sizes, NULL, 10) <= maker->size; sizes++) {
    const guint64 old = g_ascii_strtoull(*sizes, NULL, 10);
    MerkleProof proof;
    if (!proof_consistency(maker->db, old, maker->size, &proof, &error))
      g_error("%s", error->message);
    json_array_append_new(consistency, json_pack("{s:I, s:o}", "old", (json_int_t)old, "path", path_json(&proof)));
  }
  return json_pack("{s:I, s:o, s:s, s:o, s:o}", "size", (json_int_t)maker->size, "root", hash_json(&now.root), "checkpoint", note,
                   "inclusion", inclusion, "consistency", consistency);
}

static int make(const char *dir, char *const *sizes) {
  g_autofree char *path = g_build_filename(dir, "log.db", NULL);
  Maker maker = {.key = ledger_key_new("log.test/spec"), .dir = dir};
  json_t *logs = json_array();
  g_assert_cmpint(sqlite3_open(path, &maker.db), ==, SQLITE_OK);
  sql(maker.db, "PRAGMA synchronous=OFF");
  g_assert_true(ledger_prepare(maker.db, NULL));
  for (char *const *size = sizes; *size; size++) {
    const guint64 from = maker.size, to = g_ascii_strtoull(*size, NULL, 10);
    sql(maker.db, "BEGIN");
    while (maker.size < to)
      append(&maker);
    json_array_append_new(logs, log_json(&maker, sizes));
    sql(maker.db, "COMMIT");
    write_tiles(&maker, from);
  }
  g_autofree char *key = ledger_key_verifier_text(maker.key);
  json_t *all = json_pack("{s:s, s:o}", "key", key, "logs", logs);
  json_dumpf(all, stdout, JSON_COMPACT);
  json_decref(all);
  ledger_key_free(maker.key);
  sqlite3_close(maker.db);
  return 0;
}

/* --- the other way round --- */

static const char *member(const json_t *question, const char *name) {
  const char *text = json_string_value(json_object_get(question, name));
  return text ? text : "";
}

static gboolean hash_read(const char *text, MerkleHash *hash) {
  return note_base64_open(text, strlen(text), hash->bytes, sizeof hash->bytes);
}

static guint64 number(const json_t *question, const char *name) {
  return (guint64)json_integer_value(json_object_get(question, name));
}

static gboolean judge_signed(const json_t *question) {
  LedgerCheckpoint checkpoint;
  ProofFile file;
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(member(question, "key"), NULL);
  if (!verifier)
    return FALSE;
  if (json_object_get(question, "checkpoint"))
    return note_checkpoint_open(verifier, member(question, "checkpoint"), &checkpoint, NULL);
  const char *leaf = member(question, "leaf");
  return proof_file_open(verifier, member(question, "file"), leaf, strlen(leaf), &file, NULL);
}

static gboolean judge(const json_t *question) {
  MerkleProof proof = {0};
  MerkleHash old = {0}, root;
  const json_t *path = json_object_get(question, "path");
  if (!path)
    return judge_signed(question);
  for (; proof.n < MIN(json_array_size(path), MERKLE_PROOF_MAX); proof.n++)
    if (!hash_read(json_string_value(json_array_get(path, proof.n)), &proof.path[proof.n]))
      return FALSE;
  const gboolean is_inclusion = json_object_get(question, "index") != NULL;
  if (!hash_read(member(question, is_inclusion ? "hash" : "old_root"), &old) || !hash_read(member(question, "root"), &root))
    return FALSE;
  return is_inclusion ? merkle_inclusion_holds(number(question, "index"), number(question, "size"), &old, proof.path, proof.n, &root)
                      : merkle_consistency_holds(number(question, "old"), &old, number(question, "size"), &root, proof.path, proof.n);
}

static int judge_all(void) {
  json_t *questions = json_loadf(stdin, 0, NULL), *verdicts = json_array();
  for (gsize i = 0; i < json_array_size(questions); i++)
    json_array_append_new(verdicts, json_boolean(judge(json_array_get(questions, i))));
  json_dumpf(verdicts, stdout, JSON_COMPACT);
  json_decref(verdicts);
  json_decref(questions);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && g_str_equal(argv[1], "--judge"))
    return judge_all();
  return argc > 2 ? make(argv[1], argv + 2) : 2;
}
