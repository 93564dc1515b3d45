/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl receipt FILE: is this what the gate said, and does the ledger hold it? Offline (R24). */
#include <stdio.h>
#include <string.h>

#include "gate/vault/vault-reader.h"
#include "signaling/receipt-check.h"
#include "signaling/recgatectl.h"

#define FILE_BYTES_MAX (16 * 1024 * 1024) /* hundreds of receipts */

typedef struct Source { /* where the key comes from, and the log when there is one */
  const char *key_from; /* "receipt" | "key" | "data" */
  VaultReader *reader;  /* NULL: no data directory was given */
  char *key;            /* NULL: each receipt's own */
} Source;

static json_t *load(const char *path, GError **error) {
  g_autofree char *bytes = NULL;
  gsize n = 0;
  if (!g_file_get_contents(path, &bytes, &n, error))
    return NULL;
  json_error_t why;
  json_auto_t *file = n <= FILE_BYTES_MAX ? json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &why) : NULL;
  json_auto_t *receipts = file != NULL ? receipt_find_all(file) : NULL;
  if (json_array_size(receipts) > 0)
    return json_incref(receipts);
  g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, file == NULL ? "%s is not JSON that a receipt could be in" : "there is no receipt in %s",
              path);
  return NULL;
}

/* --- the log at hand still is the one that the receipt was given from --- */

static gboolean log_root(VaultReader *reader, guint64 size, MerkleHash *root, GError **error) {
  MerkleRange range = {0};
  while (range.size < size) {
    const guint width = (guint)MIN(size - range.size, (guint64)LEDGER_TILE_WIDTH);
    g_autoptr(GBytes) tile = vault_reader_tile(reader, 0, range.size / LEDGER_TILE_WIDTH, width, error);
    if (tile == NULL)
      return FALSE;
    const MerkleHash *hashes = g_bytes_get_data(tile, NULL);
    for (guint i = 0; i < width; i++)
      merkle_range_append(&range, &hashes[i]);
  }
  merkle_range_root(&range, root);
  return TRUE;
}

static void check_log(VaultReader *reader, ReceiptChecks *checks) {
  MerkleHash root;
  g_autoptr(GError) error = NULL;
  if (!log_root(reader, checks->checkpoint.size, &root, &error))
    receipt_checks_add(checks, "log", FALSE, error->message);
  else if (!merkle_equal(&root, &checks->checkpoint.root))
    receipt_checks_add(checks, "log", FALSE, "the log in the data directory has another history than the one of this receipt");
  else
    receipt_checks_add(checks, "log", TRUE, "the log in the data directory continues the one of this receipt");
}

/* --- one receipt --- */

static json_t *check_one(const Source *source, const json_t *receipt) {
  const char *key = source->key != NULL ? source->key : receipt_key(receipt);
  g_autoptr(LedgerVerifier) verifier = key != NULL ? ledger_verifier_parse(key, NULL) : NULL;
  ReceiptChecks checks = {.checks = NULL};
  if (verifier != NULL) {
    receipt_check(receipt, verifier, &checks);
    if (checks.proven && source->reader != NULL)
      check_log(source->reader, &checks);
  } else {
    checks.checks = json_array();
    receipt_checks_add(&checks, "signature", FALSE, "it names no key that could be one of a gate");
  }
  const json_t *event = json_array_get(json_object_get(receipt, "events"), 0);
  return json_pack("{s:O*, s:O*, s:O*, s:O*, s:O*, s:b, s:o}", "record_id", json_object_get(receipt, "record_id"), "event",
                   json_object_get(event, "event_state"), "time", json_object_get(event, "event_time"), "session",
                   json_object_get(receipt, "session"), "participant", json_object_get(receipt, "pii_principal_id"), "holds", checks.holds,
                   "checks", checks.checks);
}

/* Anything may stand in a file that somebody shows (fault 38). */
static char *plain(const json_t *value) {
  char *text = g_utf8_make_valid(json_is_string(value) ? json_string_value(value) : "?", -1);
  for (char *p = text; *p; p++)
    if (g_ascii_iscntrl(*p))
      *p = '?';
  return text;
}

static void print_one(const json_t *result) {
  g_autofree char *event = plain(json_object_get(result, "event")), *time = plain(json_object_get(result, "time"));
  g_autofree char *session = plain(json_object_get(result, "session")), *who = plain(json_object_get(result, "participant"));
  printf("%s: session %s, participant %s, %s\n", event, session, who, time);
  size_t i;
  json_t *check;
  json_array_foreach(json_object_get(result, "checks"), i, check) {
    g_autofree char *name = plain(json_object_get(check, "check")), *detail = plain(json_object_get(check, "detail"));
    printf("  %-5s %s: %s\n", json_is_true(json_object_get(check, "holds")) ? "ok" : "WRONG", name, detail);
  }
}

static void print_source(const Source *source) {
  if (g_str_equal(source->key_from, "receipt"))
    puts("The key came only from the receipt itself: this shows that it is unaltered, not which gate made it. Give --key or --data to know "
         "that.");
  else
    printf("Checked with %s.\n",
           g_str_equal(source->key_from, "key") ? "the key given with --key" : "the key and the log of the data directory");
}

static gboolean open_source(const CtlOptions *options, Source *source, GError **error) {
  source->key_from = options->key != NULL ? "key" : "receipt";
  source->key = g_strdup(options->key);
  if (options->data_given) {
    source->reader = vault_reader_open(options->data, NULL, error);
    if (source->reader == NULL)
      return FALSE;
  }
  if (options->key == NULL && options->data_given) {
    source->key_from = "data";
    source->key = vault_reader_verifier(source->reader, error);
    return source->key != NULL;
  }
  g_autoptr(LedgerVerifier) verifier = options->key != NULL ? ledger_verifier_parse(options->key, error) : NULL;
  return options->key == NULL || verifier != NULL;
}

static gboolean check_all(const CtlOptions *options, const Source *source, const json_t *receipts, GError **error) {
  json_auto_t *results = json_array();
  guint wrong = 0;
  for (gsize i = 0; i < json_array_size(receipts); i++) {
    json_t *result = check_one(source, json_array_get(receipts, i));
    wrong += !json_is_true(json_object_get(result, "holds"));
    if (!options->json)
      print_one(result);
    json_array_append_new(results, result);
  }
  if (options->json) {
    json_auto_t *all = json_pack("{s:b, s:s, s:O}", "holds", wrong == 0, "key_from", source->key_from, "receipts", results);
    ctl_print_json(all);
  } else
    print_source(source);
  if (wrong > 0)
    g_set_error(error, CTL_ERROR, CTL_ERROR_VERDICT, "%u of %zu receipts %s not hold", wrong, json_array_size(receipts),
                wrong == 1 ? "does" : "do");
  return wrong == 0;
}

gboolean ctl_receipt(const CtlOptions *options, GError **error) {
  if (options->session == NULL)
    return ctl_refuse(error, CTL_ERROR_USAGE, "which file? recgatectl receipt FILE [--key VERIFIER_KEY | --data DIR]");
  json_auto_t *receipts = load(options->session, error);
  if (receipts == NULL)
    return FALSE;
  Source source = {NULL, NULL, NULL};
  const gboolean holds = open_source(options, &source, error) && check_all(options, &source, receipts, error);
  vault_reader_free(source.reader);
  g_free(source.key);
  return holds;
}
