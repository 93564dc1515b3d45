/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/evidence/bundle.h"

#include <sodium.h>
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/note.h"
#include "pipelines/evidence/bundle-private.h"
#include "pipelines/evidence/summary.h"
#include "pipelines/evidence/zip.h"

G_DEFINE_QUARK(bundle - error, bundle_error)

const char *bundle_title(const char *kind) {
  return g_strcmp0(kind, "violation") == 0 ? "Rule Violation Report" : g_strcmp0(kind, "dispute") == 0 ? "Session Dispute" : "Evidence";
}

/* Everything of a session that the bundle tells, read in an order that lets the checkpoint cover the lists. */
typedef struct Making {
  VaultReader *reader;
  const Vault *vault;
  const char *session, *report_id;
  GCancellable *cancel;
  gint64 made_ms;
  char *made_at;
  json_t *state, *segments, *reports, *report, *salts, *staff, *named_staff; /* report: borrowed from reports */
  char *checkpoint;
  guint64 size, leaves;
  ZipWriter *zip;
} Making;

static void making_clear(Making *making) {
  json_decref(making->state);
  json_decref(making->segments);
  json_decref(making->reports);
  json_decref(making->salts);
  json_decref(making->staff);
  json_decref(making->named_staff);
  g_free(making->checkpoint);
  g_free(making->made_at);
  zip_writer_free(making->zip);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Making, making_clear)

char *bundle_time(gint64 wall_ms) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(wall_ms / 1000);
  g_autofree char *seconds = g_date_time_format(at, "%Y-%m-%dT%H:%M:%S");
  return g_strdup_printf("%s.%03dZ", seconds, (int)(wall_ms % 1000));
}

gboolean bundle_commitment(const json_t *salt, const char *kind, const char *text, char commitment[COMMITMENT_TEXT_BYTES]) {
  guint8 bytes[COMMITMENT_SALT_BYTES];
  const char *encoded = json_string_value(salt);
  if (!encoded || !note_base64_open(encoded, strlen(encoded), bytes, sizeof bytes))
    return FALSE;
  commitment_make(bytes, kind, text, commitment);
  return TRUE;
}

static json_t *find_report(json_t *reports, const char *id) {
  gsize i;
  json_t *one;
  json_array_foreach(reports, i, one) {
    if (g_strcmp0(json_string_value(json_object_get(one, "report")), id) == 0)
      return one;
  }
  return NULL;
}

static gboolean read_lists(Making *making, GError **error) {
  making->state = vault_reader_session(making->reader, making->session, error);
  making->segments = making->state ? vault_reader_segments(making->reader, making->session, error) : NULL;
  making->reports = making->segments ? vault_reader_reports(making->reader, making->session, error) : NULL;
  making->salts = making->reports ? vault_reader_salts(making->reader, making->session, error) : NULL;
  making->staff = making->salts ? vault_reader_staff_salts(making->reader, error) : NULL;
  if (!making->staff)
    return FALSE;
  making->named_staff = json_object();
  making->report = making->report_id ? find_report(making->reports, making->report_id) : NULL;
  making->checkpoint = vault_reader_checkpoint(making->reader, error);
  const char *second_line = making->checkpoint ? strchr(making->checkpoint, '\n') : NULL;
  making->size = second_line ? g_ascii_strtoull(second_line + 1, NULL, 10) : 0;
  return making->checkpoint != NULL;
}

/* Of the gate's own people only those are opened who stand in this session's leaves: their salts serve for every session. */
static void name_staff(Making *making, const char *leaf) {
  const char *id;
  json_t *salt;
  json_object_foreach(making->staff, id, salt) {
    char commitment[COMMITMENT_TEXT_BYTES];
    if (bundle_commitment(salt, "by", id, commitment) && strstr(leaf, commitment))
      json_object_set(making->named_staff, id, salt);
  }
}

static gboolean take_leaf(guint64 index, const char *leaf, gpointer user, GError **error) {
  Making *making = user;
  if (g_cancellable_set_error_if_cancelled(making->cancel, error))
    return FALSE;
  g_autofree char *proof = vault_reader_proof_under(making->reader, index, making->checkpoint, error);
  if (!proof)
    return FALSE;
  if (strstr(leaf, "\"by\":\""))
    name_staff(making, leaf);
  json_t *line = json_pack("{s:I, s:s, s:s}", "index", (json_int_t)index, "leaf", leaf, "proof", proof);
  char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
  const gboolean written = text && zip_data(making->zip, text, strlen(text), error) && zip_data(making->zip, "\n", 1, error);
  free(text);
  json_decref(line);
  making->leaves++;
  return written;
}

/* A session whose salt was erased has no leaves of its own any more: nobody can tell which they were (R23). */
static gboolean add_leaves(Making *making, GError **error) {
  char commitment[COMMITMENT_TEXT_BYTES];
  if (!zip_begin(making->zip, BUNDLE_LEAVES, error))
    return FALSE;
  if (bundle_commitment(json_object_get(making->salts, "session"), "session", making->session, commitment)) {
    g_autofree char *needle = g_strdup_printf("\"session\":\"%s\"", commitment);
    if (!vault_reader_leaves(making->reader, making->size, needle, take_leaf, making, error))
      return FALSE;
  }
  return zip_end(making->zip, error);
}

static gboolean add_json(Making *making, const char *name, const json_t *value, GError **error) {
  char *text = json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS);
  const gboolean added = text && zip_file(making->zip, name, text, error);
  free(text);
  return added;
}

static gboolean add_summary(Making *making, GError **error) {
  const SummaryFacts facts = {.session = making->session,
                              .kind = making->report ? json_string_value(json_object_get(making->report, "kind")) : NULL,
                              .report = making->report_id,
                              .made_at = making->made_at,
                              .state = making->state,
                              .segments = making->segments,
                              .reports = making->reports,
                              .checkpoint = making->checkpoint,
                              .verifier = vault_verifier_text(making->vault),
                              .leaves = making->leaves,
                              .size = making->size};
  g_autofree char *page = summary_page(&facts);
  return zip_file(making->zip, "summary.html", page, error);
}

gboolean bundle_signed_text(const json_t *manifest, GString *text, GError **error) {
  json_t *bare = json_copy((json_t *)manifest);
  json_object_del(bare, "signature");
  g_autofree char *canonical = ledger_canonical_json(bare, error);
  json_decref(bare);
  if (!canonical)
    return FALSE;
  g_string_append(text, BUNDLE_PURPOSE);
  g_string_append(text, canonical);
  return TRUE;
}

static gboolean add_manifest(Making *making, GError **error) {
  json_t *manifest = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:O}", "schema", BUNDLE_SCHEMA, "session", making->session, "title",
                               bundle_title(making->report ? json_string_value(json_object_get(making->report, "kind")) : NULL), "made_at",
                               making->made_at, "leaves", (json_int_t)making->leaves, "verifier", vault_verifier_text(making->vault),
                               "files", zip_files(making->zip));
  if (making->report_id)
    json_object_set_new(manifest, "report", json_string(making->report_id));
  g_autoptr(GString) text = g_string_new(NULL);
  guint8 signature[NOTE_SIGNATURE_BYTES];
  gboolean added = bundle_signed_text(manifest, text, error);
  if (added) {
    vault_sign(making->vault, text->str, text->len, signature);
    g_autofree char *encoded = note_base64(signature, sizeof signature);
    json_object_set_new(manifest, "signature", json_string(encoded));
    added = add_json(making, BUNDLE_MANIFEST, manifest, error);
  }
  json_decref(manifest);
  return added;
}

static gboolean write_all(Making *making, GError **error) {
  g_autofree char *key = g_strconcat(vault_verifier_text(making->vault), "\n", NULL);
  if (!zip_file(making->zip, BUNDLE_CHECKPOINT, making->checkpoint, error) || !zip_file(making->zip, BUNDLE_KEY, key, error) ||
      !add_json(making, BUNDLE_SESSION, making->state, error) || !add_json(making, BUNDLE_SEGMENTS, making->segments, error) ||
      !add_json(making, "reports.json", making->reports, error) || !add_leaves(making, error))
    return FALSE;
  json_object_set(making->salts, "staff", making->named_staff);
  return add_json(making, BUNDLE_SALTS, making->salts, error) && add_summary(making, error) && add_manifest(making, error);
}

GBytes *bundle_make(VaultReader *reader, const Vault *vault, const BundleWish *wish, GError **error) {
  g_auto(Making) making = {.reader = reader,
                           .vault = vault,
                           .session = wish->session,
                           .report_id = wish->report,
                           .cancel = wish->cancel,
                           .made_ms = g_get_real_time() / 1000};
  making.made_at = bundle_time(making.made_ms);
  if (!read_lists(&making, error))
    return NULL;
  making.zip = zip_writer_new(making.made_ms / 1000, error);
  return making.zip && write_all(&making, error) ? zip_finish(making.zip, error) : NULL;
}

static json_t *parsed(GHashTable *files, const char *name) {
  gsize n = 0;
  GBytes *file = g_hash_table_lookup(files, name);
  const char *bytes = file ? g_bytes_get_data(file, &n) : NULL;
  return bytes ? json_loadb(bytes, n, 0, NULL) : NULL;
}

json_t *bundle_counts(GBytes *bundle) {
  static const char *const lists[] = {"participants", "requests", "takes"};
  gsize n = 0;
  const guint8 *bytes = g_bytes_get_data(bundle, &n);
  g_autoptr(GHashTable) files = zip_read(bytes, n, BUNDLE_BYTES_MAX, NULL);
  if (!files)
    return NULL;
  json_t *counts = json_object();
  json_auto_t *session = parsed(files, BUNDLE_SESSION), *segments = parsed(files, BUNDLE_SEGMENTS);
  for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
    json_object_set_new(counts, lists[i], json_integer((json_int_t)json_array_size(json_object_get(session, lists[i]))));
  json_object_set_new(counts, "segments", json_integer((json_int_t)json_array_size(segments)));
  return counts;
}
