/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a bundle as somebody who trusts nothing in it: signature, hashes, proofs, and the lists against the leaves. */
#include <sodium.h>
#include <string.h>

#include "gate/ledger/proof.h"
#include "pipelines/evidence/bundle-private.h"
#include "pipelines/evidence/bundle.h"
#include "pipelines/evidence/zip.h"

typedef struct Checking {
  GHashTable *files; /* name -> GBytes */
  json_t *manifest, *session, *segments, *salts;
  LedgerVerifier *verifier;
  LedgerCheckpoint checkpoint;
  char commitment[COMMITMENT_TEXT_BYTES]; /* of the session */
  GHashTable *told;                       /* set of char *: what the leaves say happened, one line a fact */
  guint64 leaves, next_index;
} Checking;

static void checking_clear(Checking *checking) {
  g_clear_pointer(&checking->files, g_hash_table_unref);
  g_clear_pointer(&checking->told, g_hash_table_unref);
  json_decref(checking->manifest);
  json_decref(checking->session);
  json_decref(checking->segments);
  json_decref(checking->salts);
  ledger_verifier_free(checking->verifier);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Checking, checking_clear)

void bundle_facts_clear(BundleFacts *facts) {
  g_free(facts->session);
  g_free(facts->title);
  g_free(facts->made_at);
  g_free(facts->verifier);
  *facts = (BundleFacts){0};
}

static gboolean altered(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean altered(GError **error, const char *format, ...) {
  va_list values;
  va_start(values, format);
  g_autofree char *why = g_strdup_vprintf(format, values);
  va_end(values);
  g_set_error_literal(error, BUNDLE_ERROR, BUNDLE_ERROR_ALTERED, why);
  return FALSE;
}

/* A ledger error in a bundle's words. */
static gboolean altered_because(GError **error, const char *what, GError *why) {
  altered(error, "%s: %s", what, why ? why->message : "it cannot be read");
  g_clear_error(&why);
  return FALSE;
}

static const char *text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static json_int_t number(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static json_t *parse(const Checking *checking, const char *name, GError **error) {
  GBytes *file = g_hash_table_lookup(checking->files, name);
  gsize n = 0;
  const char *bytes = file ? g_bytes_get_data(file, &n) : NULL;
  json_t *value = bytes ? json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL) : NULL;
  if (!value)
    altered(error, "%s is missing or is not JSON", name);
  return value;
}

/* A file's text with its end, without trailing newlines. */
static char *file_line(const Checking *checking, const char *name) {
  GBytes *file = g_hash_table_lookup(checking->files, name);
  gsize n = 0;
  const char *bytes = file ? g_bytes_get_data(file, &n) : NULL;
  return bytes ? g_strchomp(g_strndup(bytes, n)) : NULL;
}

/* --- the manifest --- */

static gboolean choose_key(Checking *checking, const char *key, GError **error) {
  g_autofree char *own = file_line(checking, BUNDLE_KEY);
  const char *named = text(checking->manifest, "verifier");
  if (!own || g_strcmp0(own, named) != 0)
    return altered(error, "%s and the manifest name different keys", BUNDLE_KEY);
  g_autofree char *given = key ? g_strchomp(g_strdup(key)) : NULL;
  if (given && strcmp(given, own) != 0) {
    g_set_error(error, BUNDLE_ERROR, BUNDLE_ERROR_KEY, "signed by another key: the bundle names %.300s", own);
    return FALSE;
  }
  GError *why = NULL;
  checking->verifier = ledger_verifier_parse(own, &why);
  return checking->verifier || altered_because(error, BUNDLE_KEY, why);
}

static gboolean check_signature(const Checking *checking, GError **error) {
  g_autoptr(GString) signed_text = g_string_new(NULL);
  guint8 signature[NOTE_SIGNATURE_BYTES];
  const char *encoded = text(checking->manifest, "signature");
  GError *why = NULL;
  if (!bundle_signed_text(checking->manifest, signed_text, &why))
    return altered_because(error, BUNDLE_MANIFEST, why);
  return (encoded && note_base64_open(encoded, strlen(encoded), signature, sizeof signature) &&
          ledger_verifier_holds(checking->verifier, signed_text->str, signed_text->len, signature)) ||
         altered(error, "%s: its signature does not hold", BUNDLE_MANIFEST);
}

static gboolean check_file(const char *name, GBytes *file, const json_t *listed, GError **error) {
  guint8 digest[crypto_hash_sha256_BYTES];
  char hex[2 * sizeof digest + 1];
  gsize n = 0;
  const guint8 *bytes = g_bytes_get_data(file, &n);
  if (!listed)
    return altered(error, "%.100s is in the file, but not in the manifest", name);
  crypto_hash_sha256(digest, bytes ? bytes : (const guint8 *)"", n);
  return g_strcmp0(sodium_bin2hex(hex, sizeof hex, digest, sizeof digest), text(listed, "sha256")) == 0 ||
         altered(error, "%.100s was altered: its SHA-256 is %s", name, hex);
}

static gboolean check_files(const Checking *checking, GError **error) {
  const json_t *listed = json_object_get(checking->manifest, "files");
  GHashTableIter iter;
  gpointer name, file;
  const char *wanted;
  json_t *unused;
  g_hash_table_iter_init(&iter, checking->files);
  while (g_hash_table_iter_next(&iter, &name, &file))
    if (strcmp(name, BUNDLE_MANIFEST) != 0 && !check_file(name, file, json_object_get(listed, name), error))
      return FALSE;
  json_object_foreach((json_t *)listed, wanted, unused) {
    if (!g_hash_table_contains(checking->files, wanted))
      return altered(error, "%.100s is in the manifest, but not in the file", wanted);
  }
  return TRUE;
}

static gboolean check_manifest(Checking *checking, const char *key, GError **error) {
  checking->manifest = parse(checking, BUNDLE_MANIFEST, error);
  if (!checking->manifest)
    return FALSE;
  if (g_strcmp0(text(checking->manifest, "schema"), BUNDLE_SCHEMA) != 0 || !text(checking->manifest, "session"))
    return altered(error, "%s is not of the schema %s", BUNDLE_MANIFEST, BUNDLE_SCHEMA);
  return choose_key(checking, key, error) && check_signature(checking, error) && check_files(checking, error);
}

/* --- the leaves --- */

static void tell(Checking *checking, char *fact) {
  g_hash_table_add(checking->told, fact);
}

/* What lists may refer to. Ids are commitments here: opened ones are compared on the other side. */
static void note_facts(Checking *checking, const json_t *leaf) {
  const char *type = text(leaf, "type"), *person = text(leaf, "participant");
  if (g_strcmp0(type, "commit") == 0)
    tell(checking, g_strdup_printf("commit %" JSON_INTEGER_FORMAT " %s", number(leaf, "segment"), text(leaf, "sha256")));
  else if (g_strcmp0(type, "gate_open") == 0 || g_strcmp0(type, "gate_close") == 0)
    tell(checking, g_strdup_printf("%s %" JSON_INTEGER_FORMAT, type, number(leaf, "take")));
  else if (g_strcmp0(type, "request") == 0)
    tell(checking, g_strdup_printf("request %" JSON_INTEGER_FORMAT, number(leaf, "request")));
  else if (person)
    tell(checking, g_strdup_printf("%s %s", type, person));
}

static gboolean check_leaf(Checking *checking, const json_t *line, guint64 row, GError **error) {
  const char *leaf_text = text(line, "leaf"), *proof = text(line, "proof");
  const json_int_t index = number(line, "index");
  ProofFile opened;
  GError *why = NULL;
  if (!leaf_text || !proof || index < 0 || (guint64)index < checking->next_index)
    return altered(error, "%s, line %" G_GUINT64_FORMAT ": not a leaf, or out of order", BUNDLE_LEAVES, row);
  checking->next_index = (guint64)index + 1;
  if (!proof_file_open(checking->verifier, proof, leaf_text, strlen(leaf_text), &opened, &why))
    return altered_because(error, "leaf", why);
  if (opened.index != (guint64)index || opened.checkpoint.size != checking->checkpoint.size ||
      !merkle_equal(&opened.checkpoint.root, &checking->checkpoint.root))
    return altered(error, "leaf %" JSON_INTEGER_FORMAT ": its proof is of another place or checkpoint", index);
  json_auto_t *leaf = json_loads(leaf_text, JSON_REJECT_DUPLICATES, NULL);
  if (g_strcmp0(text(leaf, "session"), checking->commitment) != 0)
    return altered(error, "leaf %" JSON_INTEGER_FORMAT " is not of this session", index);
  note_facts(checking, leaf);
  checking->leaves++;
  return TRUE;
}

static gboolean check_lines(Checking *checking, const char *bytes, gsize n, GError **error) {
  guint64 row = 0;
  for (const char *at = bytes, *end = bytes + n; at < end;) {
    const char *stop = memchr(at, '\n', (gsize)(end - at));
    json_auto_t *line = stop ? json_loadb(at, (gsize)(stop - at), JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!line || !check_leaf(checking, line, ++row, error))
      return line ? FALSE : altered(error, "%s, line %" G_GUINT64_FORMAT ": not JSON", BUNDLE_LEAVES, row + 1);
    at = stop + 1;
  }
  return TRUE;
}

static gboolean check_leaves(Checking *checking, GError **error) {
  g_autofree char *note = NULL;
  GBytes *checkpoint = g_hash_table_lookup(checking->files, BUNDLE_CHECKPOINT),
         *leaves = g_hash_table_lookup(checking->files, BUNDLE_LEAVES);
  gsize n = 0;
  if (!checkpoint || !leaves)
    return altered(error, "%s or %s is missing", BUNDLE_CHECKPOINT, BUNDLE_LEAVES);
  const char *bytes = g_bytes_get_data(checkpoint, &n);
  note = g_strndup(bytes ? bytes : "", n);
  GError *why = NULL;
  if (!note_checkpoint_open(checking->verifier, note, &checking->checkpoint, &why))
    return altered_because(error, BUNDLE_CHECKPOINT, why);
  bytes = g_bytes_get_data(leaves, &n);
  if (n > 0 && !check_lines(checking, bytes, n, error))
    return FALSE;
  return checking->leaves == (guint64)number(checking->manifest, "leaves") || altered(error, "%s: leaves are missing", BUNDLE_LEAVES);
}

/* --- the lists --- */

/* "type id" as note_facts wrote it; a person whose salt was erased can no longer be looked up, and needs not be (R23). */
static gboolean is_told(const Checking *checking, const char *type, const char *id) {
  char commitment[COMMITMENT_TEXT_BYTES];
  if (!id || !bundle_commitment(json_object_get(json_object_get(checking->salts, "people"), id), "participant", id, commitment))
    return id != NULL;
  g_autofree char *fact = g_strdup_printf("%s %s", type, commitment);
  return g_hash_table_contains(checking->told, fact);
}

static gboolean check_people(const Checking *checking, GError **error) {
  static const struct {
    const char *answer, *leaf;
  } ANSWERS[] = {{"granted", "grant"}, {"declined", "decline"}, {"withdrawn", "withdraw"}, {"offered", "offer"}};
  gsize i;
  json_t *one;
  json_array_foreach(json_object_get(checking->session, "participants"), i, one) {
    if (text(one, "joined") && !is_told(checking, "join", text(one, "id")))
      return altered(error, "%s: no leaf says that %.64s joined", BUNDLE_SESSION, text(one, "id"));
  }
  json_array_foreach(json_object_get(checking->session, "consents"), i, one) {
    const char *leaf = NULL;
    for (guint k = 0; k < G_N_ELEMENTS(ANSWERS); k++)
      leaf = g_strcmp0(text(one, "answer"), ANSWERS[k].answer) == 0 ? ANSWERS[k].leaf : leaf;
    if (!leaf || !is_told(checking, leaf, text(one, "participant")))
      return altered(error, "%s: no leaf bears the answer of %.64s out", BUNDLE_SESSION, text(one, "participant"));
  }
  return TRUE;
}

static gboolean check_numbered(const Checking *checking, const char *list, const char *field, const char *leaf, GError **error) {
  gsize i;
  json_t *one;
  json_array_foreach(json_object_get(checking->session, list), i, one) {
    g_autofree char *fact = g_strdup_printf("%s %" JSON_INTEGER_FORMAT, leaf, number(one, field));
    if (!g_hash_table_contains(checking->told, fact))
      return altered(error, "%s: no leaf says %s", BUNDLE_SESSION, fact);
  }
  return TRUE;
}

static gboolean check_gate(const Checking *checking, GError **error) {
  gsize i;
  json_t *one;
  json_array_foreach(json_object_get(checking->session, "gate_history"), i, one) {
    g_autofree char *fact =
        g_strdup_printf("gate_%s %" JSON_INTEGER_FORMAT, g_strcmp0(text(one, "gate"), "open") == 0 ? "open" : "close", number(one, "take"));
    if (!g_hash_table_contains(checking->told, fact))
      return altered(error, "%s: no leaf says %s", BUNDLE_SESSION, fact);
  }
  return TRUE;
}

static gboolean check_segments(const Checking *checking, GError **error) {
  gsize i;
  json_t *one;
  json_array_foreach(checking->segments, i, one) {
    g_autofree char *fact = g_strdup_printf("commit %" JSON_INTEGER_FORMAT " %s", number(one, "id"), text(one, "sha256"));
    if (g_strcmp0(text(one, "state"), "kept") == 0 && !g_hash_table_contains(checking->told, fact))
      return altered(error, "%s: no leaf says that segment %" JSON_INTEGER_FORMAT " was committed so", BUNDLE_SEGMENTS, number(one, "id"));
  }
  return TRUE;
}

/* Without the session's salt there are no leaves to hold the lists against. */
static gboolean check_lists(const Checking *checking, GError **error) {
  return checking->leaves == 0 ||
         (check_people(checking, error) && check_gate(checking, error) && check_numbered(checking, "takes", "take", "gate_open", error) &&
          check_numbered(checking, "requests", "request", "request", error) && check_segments(checking, error));
}

static gboolean check_all(Checking *checking, const char *key, GError **error) {
  if (!check_manifest(checking, key, error))
    return FALSE;
  checking->session = parse(checking, BUNDLE_SESSION, error);
  checking->segments = checking->session ? parse(checking, BUNDLE_SEGMENTS, error) : NULL;
  checking->salts = checking->segments ? parse(checking, BUNDLE_SALTS, error) : NULL;
  if (!checking->salts)
    return FALSE;
  const char *session = text(checking->manifest, "session");
  if (g_strcmp0(text(checking->session, "id"), session) != 0)
    return altered(error, "%s is of another session", BUNDLE_SESSION);
  (void)bundle_commitment(json_object_get(checking->salts, "session"), "session", session, checking->commitment);
  checking->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return check_leaves(checking, error) && check_lists(checking, error);
}

gboolean bundle_check(const guint8 *bytes, gsize n, const char *key, BundleFacts *facts, GError **error) {
  g_auto(Checking) checking = {.files = zip_read(bytes, n, BUNDLE_BYTES_MAX, error)};
  if (sodium_init() < 0 || !checking.files || !check_all(&checking, key, error))
    return FALSE;
  *facts = (BundleFacts){.session = g_strdup(text(checking.manifest, "session")),
                         .title = g_strdup(text(checking.manifest, "title")),
                         .made_at = g_strdup(text(checking.manifest, "made_at")),
                         .verifier = g_strdup(text(checking.manifest, "verifier")),
                         .leaves = checking.leaves,
                         .size = checking.checkpoint.size,
                         .files = g_hash_table_size(checking.files),
                         .key_was_given = key != NULL};
  return TRUE;
}
