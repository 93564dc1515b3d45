/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/note.h"

#include <sodium.h>
#include <string.h>

#define KEY_TYPE_ED25519 0x01 /* c2sp.org/signed-note, Signature types */
#define KEY_ID_BYTES     4
#define NAME_BYTES_MAX   200
#define LINES_MAX        64
#define EM_DASH          "\xe2\x80\x94"

static const char private_prefix[] = "PRIVATE+KEY+";

struct LedgerVerifier {
  char *origin;
  guint8 id[KEY_ID_BYTES], public[crypto_sign_PUBLICKEYBYTES];
};

typedef struct Secret { /* sodium_malloc'ed: locked, guarded, wiped */
  guint8 seed[crypto_sign_SEEDBYTES], key[crypto_sign_SECRETKEYBYTES];
} Secret;

struct LedgerKey {
  LedgerVerifier verifier;
  Secret *secret;
};

/* --- base64 --- */

char *note_base64(const guint8 *bytes, gsize n) {
  return g_base64_encode(bytes, n);
}

/* Compared with the one text of what was read: libsodium 1.0.18 takes some bytes beyond ASCII for letters of its alphabet. */
gboolean note_base64_open(const char *text, gsize text_n, guint8 *bytes, gsize n) {
  size_t got = 0;
  const char *end = NULL;
  if (sodium_base642bin(bytes, n, text, text_n, NULL, &got, &end, sodium_base64_VARIANT_ORIGINAL) != 0 || got != n || end != text + text_n)
    return FALSE;
  char *again = note_base64(bytes, n);
  const gboolean same = strlen(again) == text_n && memcmp(again, text, text_n) == 0;
  note_text_free(again); /* it may be of a seed */
  return same;
}

/* --- keys --- */

static gboolean name_is_valid(const char *name) {
  if (!name || !*name || strlen(name) > NAME_BYTES_MAX || !g_utf8_validate(name, -1, NULL))
    return FALSE;
  for (const char *c = name; *c; c = g_utf8_next_char(c))
    if (*c == '+' || g_unichar_isspace(g_utf8_get_char(c)) || g_unichar_iscntrl(g_utf8_get_char(c)))
      return FALSE;
  return TRUE;
}

static void key_id(LedgerVerifier *verifier) {
  static const guint8 separator[] = {'\n', KEY_TYPE_ED25519};
  guint8 digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, (const guint8 *)verifier->origin, strlen(verifier->origin));
  crypto_hash_sha256_update(&state, separator, sizeof separator);
  crypto_hash_sha256_update(&state, verifier->public, sizeof verifier->public);
  crypto_hash_sha256_final(&state, digest);
  memcpy(verifier->id, digest, sizeof verifier->id);
}

static LedgerKey *key_from_seed(const char *origin, const guint8 *seed) {
  LedgerKey *key = g_new0(LedgerKey, 1);
  key->secret = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *key->secret);
  if (!key->secret)
    g_error("no locked memory for the log's key");
  key->verifier.origin = g_strdup(origin);
  if (seed)
    memcpy(key->secret->seed, seed, sizeof key->secret->seed);
  else
    randombytes_buf(key->secret->seed, sizeof key->secret->seed);
  crypto_sign_seed_keypair(key->verifier.public, key->secret->key, key->secret->seed);
  key_id(&key->verifier);
  return key;
}

char *ledger_origin_new(void) {
  guint8 random[8];
  char hex[2 * sizeof random + 1];
  randombytes_buf(random, sizeof random);
  return g_strdup_printf("recgate/%s", sodium_bin2hex(hex, sizeof hex, random, sizeof random));
}

LedgerKey *ledger_key_new(const char *origin) {
  return name_is_valid(origin) ? key_from_seed(origin, NULL) : NULL;
}

static char *key_text(const char *prefix, const LedgerVerifier *verifier, const guint8 *bytes) {
  guint8 typed[1 + 32] = {KEY_TYPE_ED25519};
  memcpy(typed + 1, bytes, 32);
  char *encoded = note_base64(typed, sizeof typed);
  char *text = g_strdup_printf("%s%s+%02x%02x%02x%02x+%s", prefix, verifier->origin, verifier->id[0], verifier->id[1], verifier->id[2],
                               verifier->id[3], encoded);
  sodium_memzero(typed, sizeof typed);
  note_text_free(encoded);
  return text;
}

char *ledger_key_text(const LedgerKey *key) {
  return key_text(private_prefix, &key->verifier, key->secret->seed);
}

char *ledger_key_verifier_text(const LedgerKey *key) {
  return key_text("", &key->verifier, key->verifier.public);
}

void note_text_free(char *text) {
  if (text)
    sodium_memzero(text, strlen(text));
  g_free(text);
}

static gboolean bad_key(GError **error, const char *why) {
  g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_KEY, "not a key of a log: %s (expected name+id+base64, as recgatectl key prints it)", why);
  return FALSE;
}

typedef struct KeyText {
  char *name;
  guint8 id[KEY_ID_BYTES], bytes[32];
} KeyText;

static gboolean parse_key(const char *text, KeyText *parsed, GError **error) {
  g_autofree char *line = g_strchomp(g_strdup(text));
  const char *first = strchr(line, '+'), *second = first ? strchr(first + 1, '+') : NULL;
  guint8 typed[1 + 32];
  char id[2 * KEY_ID_BYTES + 1];
  size_t id_n = 0;
  gboolean opened = second && second - first == 1 + 2 * KEY_ID_BYTES &&
                    sodium_hex2bin(parsed->id, sizeof parsed->id, first + 1, 2 * KEY_ID_BYTES, NULL, &id_n, NULL) == 0 &&
                    id_n == KEY_ID_BYTES && strncmp(sodium_bin2hex(id, sizeof id, parsed->id, id_n), first + 1, 2 * KEY_ID_BYTES) == 0 &&
                    note_base64_open(second + 1, strlen(second + 1), typed, sizeof typed);
  if (opened && typed[0] == KEY_TYPE_ED25519) {
    parsed->name = g_strndup(line, (gsize)(first - line));
    memcpy(parsed->bytes, typed + 1, sizeof parsed->bytes);
  }
  sodium_memzero(typed, sizeof typed);
  sodium_memzero(line, strlen(line));
  if (!opened)
    return bad_key(error, "its parts do not fit");
  if (!parsed->name)
    return bad_key(error, "only Ed25519 keys are known");
  return name_is_valid(parsed->name) || bad_key(error, "its name is not one");
}

LedgerKey *ledger_key_parse(const char *text, GError **error) {
  KeyText parsed = {0};
  LedgerKey *key = NULL;
  if (!g_str_has_prefix(text, private_prefix))
    bad_key(error, "it does not begin with PRIVATE+KEY+");
  else if (parse_key(text + strlen(private_prefix), &parsed, error)) {
    key = key_from_seed(parsed.name, parsed.bytes);
    if (memcmp(key->verifier.id, parsed.id, sizeof parsed.id) != 0) {
      bad_key(error, "its id does not belong to it");
      g_clear_pointer(&key, ledger_key_free);
    }
  }
  sodium_memzero(parsed.bytes, sizeof parsed.bytes);
  g_free(parsed.name);
  return key;
}

const char *ledger_key_origin(const LedgerKey *key) {
  return key->verifier.origin;
}

void ledger_key_sign(const LedgerKey *key, const void *bytes, gsize n, guint8 signature[NOTE_SIGNATURE_BYTES]) {
  crypto_sign_detached(signature, NULL, bytes, n, key->secret->key);
}

void ledger_key_free(LedgerKey *key) {
  if (!key)
    return;
  sodium_free(key->secret);
  g_free(key->verifier.origin);
  g_free(key);
}

LedgerVerifier *ledger_verifier_parse(const char *text, GError **error) {
  KeyText parsed = {0};
  g_autoptr(LedgerVerifier) verifier = g_new0(LedgerVerifier, 1);
  if (!parse_key(text, &parsed, error)) {
    g_free(parsed.name);
    return NULL;
  }
  verifier->origin = parsed.name;
  memcpy(verifier->public, parsed.bytes, sizeof verifier->public);
  key_id(verifier);
  if (memcmp(verifier->id, parsed.id, sizeof parsed.id) == 0)
    return g_steal_pointer(&verifier);
  bad_key(error, "its id does not belong to it");
  return NULL;
}

const char *ledger_verifier_origin(const LedgerVerifier *verifier) {
  return verifier->origin;
}

gboolean ledger_verifier_holds(const LedgerVerifier *verifier, const void *bytes, gsize n, const guint8 signature[NOTE_SIGNATURE_BYTES]) {
  return crypto_sign_verify_detached(signature, bytes, n, verifier->public) == 0;
}

void ledger_verifier_free(LedgerVerifier *verifier) {
  if (!verifier)
    return;
  g_free(verifier->origin);
  g_free(verifier);
}

/* --- notes --- */

char *note_checkpoint(const LedgerKey *key, const LedgerCheckpoint *checkpoint) {
  g_autofree char *root = note_base64(checkpoint->root.bytes, sizeof checkpoint->root.bytes);
  g_autofree char *text = g_strdup_printf("%s\n%" G_GUINT64_FORMAT "\n%s\n", key->verifier.origin, checkpoint->size, root);
  guint8 signature[KEY_ID_BYTES + NOTE_SIGNATURE_BYTES];
  memcpy(signature, key->verifier.id, KEY_ID_BYTES);
  ledger_key_sign(key, text, strlen(text), signature + KEY_ID_BYTES);
  g_autofree char *encoded = note_base64(signature, sizeof signature);
  return g_strdup_printf("%s\n" EM_DASH " %s %s\n", text, key->verifier.origin, encoded);
}

static gboolean not_a_checkpoint(GError **error) {
  g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL, "this is not a checkpoint of a log");
  return FALSE;
}

/* c2sp.org/signed-note: UTF-8, no control character but the newline, and one at the end. */
static gboolean is_note(const char *note, gsize n) {
  if (n == 0 || n > NOTE_BYTES_MAX || note[n - 1] != '\n' || !g_utf8_validate(note, (gssize)n, NULL))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if ((guchar)note[i] < 0x20 && note[i] != '\n')
      return FALSE;
  return TRUE;
}

/* "— <name> <base64>": the base64, or NULL. *ours: the name is the verifier's. */
static const char *signature_line(const LedgerVerifier *verifier, const char *line, gboolean *ours) {
  static const char prefix[] = EM_DASH " ";
  const char *name = g_str_has_prefix(line, prefix) ? line + strlen(prefix) : "", *space = strchr(name, ' ');
  if (!space || space == name || space[1] == '\0')
    return NULL;
  const gsize n = (gsize)(space - name);
  *ours = n == strlen(verifier->origin) && memcmp(name, verifier->origin, n) == 0;
  return space + 1;
}

/* c2sp.org/signed-note: other keys' lines are passed over, a line of this key must verify, and one such line is needed. */
static gboolean signed_by(const LedgerVerifier *verifier, const char *text, gsize n, const char *signatures) {
  g_auto(GStrv) lines = g_strsplit(signatures, "\n", LINES_MAX);
  gboolean any = FALSE;
  for (guint i = 0; lines[i] && lines[i + 1]; i++) { /* behind the last newline is nothing */
    guint8 signature[KEY_ID_BYTES + NOTE_SIGNATURE_BYTES];
    gboolean ours = FALSE;
    const char *encoded = signature_line(verifier, lines[i], &ours);
    if (!encoded)
      return FALSE;
    if (!ours || !note_base64_open(encoded, strlen(encoded), signature, sizeof signature) ||
        memcmp(signature, verifier->id, KEY_ID_BYTES) != 0)
      continue;
    if (!ledger_verifier_holds(verifier, text, n, signature + KEY_ID_BYTES))
      return FALSE;
    any = TRUE;
  }
  return any;
}

static gboolean parse_size(const char *text, guint64 *size) {
  return (g_str_equal(text, "0") || *text != '0') && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, size, NULL);
}

gboolean note_checkpoint_open(const LedgerVerifier *verifier, const char *note, LedgerCheckpoint *checkpoint, GError **error) {
  const gsize n = strlen(note);
  const char *last = is_note(note, n) ? g_strrstr(note, "\n\n") : NULL;
  if (!last)
    return not_a_checkpoint(error);
  const gsize text_n = (gsize)(last - note) + 1;
  if (!signed_by(verifier, note, text_n, last + 2)) {
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_SIGNATURE, "the checkpoint is not signed by %s, or was altered", verifier->origin);
    return FALSE;
  }
  g_autofree char *text = g_strndup(note, text_n - 1);
  g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX);
  LedgerCheckpoint read;
  if (g_strv_length(lines) < 3 || g_strv_contains((const char *const *)lines, "") || !parse_size(lines[1], &read.size) ||
      !note_base64_open(lines[2], strlen(lines[2]), read.root.bytes, sizeof read.root.bytes))
    return not_a_checkpoint(error);
  if (!g_str_equal(lines[0], verifier->origin)) {
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_SIGNATURE, "the checkpoint is of another log: %s, not %s", lines[0], verifier->origin);
    return FALSE;
  }
  *checkpoint = read;
  return TRUE;
}
