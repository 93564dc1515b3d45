/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/receipt-check.h"

#include <sodium.h>
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/proof.h"
#include "signaling/participant-signature.h"
#include "signaling/receipt.h"

typedef struct Checking {
  const json_t *receipt, *ledger;
  json_t *leaf; /* NULL: not readable */
  const LedgerVerifier *verifier;
  ReceiptChecks *checks;
} Checking;

void receipt_checks_add(ReceiptChecks *checks, const char *check, gboolean holds, const char *detail) {
  json_array_append_new(checks->checks, json_pack("{s:s, s:b, s:s}", "check", check, "holds", holds, "detail", detail));
  checks->holds = checks->holds && holds;
}

static const char *text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static gboolean same(const json_t *a, const char *a_name, const json_t *b, const char *b_name) {
  const json_t *one = json_object_get(a, a_name), *other = json_object_get(b, b_name);
  return one == NULL || other == NULL ? one == other : json_equal(one, other) != 0;
}

/* --- signature --- */

const char *receipt_key(const json_t *receipt) {
  return text(json_object_get(receipt, "signature"), "key");
}

static gboolean signature_holds(const Checking *checking) {
  const json_t *signature = json_object_get(checking->receipt, "signature");
  const char *value = text(signature, "value");
  guint8 bytes[NOTE_SIGNATURE_BYTES];
  if (value == NULL || g_strcmp0(text(signature, "alg"), "Ed25519") != 0 || !note_base64_open(value, strlen(value), bytes, sizeof bytes))
    return FALSE;
  json_auto_t *signed_part = json_copy((json_t *)checking->receipt);
  json_object_del(signed_part, "signature");
  g_autofree char *canonical = ledger_canonical_json(signed_part, NULL);
  return canonical != NULL && ledger_verifier_holds(checking->verifier, canonical, strlen(canonical), bytes);
}

static void check_signature(const Checking *checking) {
  const json_t *signature = json_object_get(checking->receipt, "signature");
  const char *key = receipt_key(checking->receipt);
  g_autoptr(LedgerVerifier) named = key != NULL ? ledger_verifier_parse(key, NULL) : NULL;
  const char *origin = ledger_verifier_origin(checking->verifier);
  if (json_object_size(signature) != 3 || named == NULL) /* alg, key, value: what stands beside them is signed by nobody */
    receipt_checks_add(checking->checks, "signature", FALSE, "this is not a signature of a gate");
  else if (g_strcmp0(ledger_verifier_origin(named), origin) != 0)
    receipt_checks_add(checking->checks, "signature", FALSE, "this receipt names the key of another gate");
  else if (!signature_holds(checking))
    receipt_checks_add(checking->checks, "signature", FALSE, "the receipt was altered, or another gate signed it");
  else {
    g_autofree char *detail = g_strdup_printf("signed by %s", origin);
    receipt_checks_add(checking->checks, "signature", TRUE, detail);
  }
}

/* --- what the leaf says in clear --- */

static gint64 event_ms(const json_t *event) {
  const char *time = text(event, "event_time");
  g_autoptr(GDateTime) at = time != NULL ? g_date_time_new_from_iso8601(time, NULL) : NULL;
  return at != NULL ? g_date_time_to_unix(at) * 1000 + g_date_time_get_microsecond(at) / 1000 : -1;
}

static void check_event(const Checking *checking) {
  const json_t *events = json_object_get(checking->receipt, "events"), *event = json_array_get(events, 0);
  const char *state = receipt_event_state(text(checking->leaf, "type"));
  const gboolean type = json_array_size(events) == 1 && state != NULL && g_strcmp0(text(event, "event_state"), state) == 0 &&
                        g_strcmp0(text(event, "event_type"), "consent") == 0;
  receipt_checks_add(checking->checks, "event", type, type ? state : "the entry of the ledger is about something else");
  const gboolean time = event_ms(event) == json_integer_value(json_object_get(checking->leaf, "at"));
  receipt_checks_add(checking->checks, "time", time, time ? text(event, "event_time") : "the entry of the ledger was made at another time");
}

static void check_request(const Checking *checking) {
  const json_int_t number = json_integer_value(json_object_get(checking->leaf, "request"));
  g_autofree char *expected = number > 0 ? g_strdup_printf("%lld", (long long)number) : NULL;
  const gboolean holds = g_strcmp0(text(checking->receipt, "request"), expected) == 0 &&
                         json_is_string(json_object_get(checking->receipt, "request")) == (number > 0) &&
                         same(checking->receipt, "media", checking->leaf, "media") &&
                         same(checking->receipt, "scope", checking->leaf, "scope") &&
                         same(checking->receipt, "legs_checked", checking->leaf, "legs_checked");
  receipt_checks_add(checking->checks, "request", holds,
                     !holds             ? "the entry of the ledger names another request, or other media or scope"
                     : expected != NULL ? expected
                                        : "of no single request");
}

/* --- commitments --- */

static gboolean opens(const Checking *checking, const char *field, const char *salt_of, const char *value) {
  const char *salt_text = text(json_object_get(checking->ledger, "salts"), salt_of), *commitment = text(checking->leaf, field);
  guint8 salt[COMMITMENT_SALT_BYTES];
  char made[COMMITMENT_TEXT_BYTES];
  if (value == NULL || salt_text == NULL || commitment == NULL || !note_base64_open(salt_text, strlen(salt_text), salt, sizeof salt))
    return FALSE;
  commitment_make(salt, field, value, made);
  return strcmp(made, commitment) == 0;
}

static void check_opening(const Checking *checking, const char *check, const char *field, const char *salt_of, const char *value) {
  const gboolean holds = opens(checking, field, salt_of, value);
  receipt_checks_add(checking->checks, check, holds,
                     holds ? "the ledger's commitment opens to it" : "the ledger's commitment is of another");
}

static void check_disclosure(const Checking *checking) {
  const char *notice = text(checking->receipt, "privacy_notice"), *sha256 = text(checking->receipt, "privacy_notice_sha256");
  const gboolean committed = json_object_get(checking->leaf, "disclosure_sha256") != NULL;
  if (notice == NULL && sha256 == NULL && !committed)
    return;
  json_auto_t *disclosure = notice != NULL ? json_loads(notice, 0, NULL) : NULL;
  json_auto_t *described = json_copy((json_t *)checking->receipt);
  if (json_is_object(disclosure))
    receipt_describe(described, disclosure);
  const gboolean told = json_is_object(disclosure) && json_equal(described, (json_t *)checking->receipt);
  receipt_checks_add(checking->checks, "disclosure", told,
                     told ? "the text is the one of this SHA-256, and the fields repeat it"
                          : "the text does not fit its SHA-256 or its fields");
  if (committed)
    check_opening(checking, "text agreed to", "disclosure_sha256", "session", sha256);
}

/* What a grant's leaf commits to beside the text; neither may be in only one of the two. */
static void check_optional(const Checking *checking, const char *check, const char *field, const char *value) {
  if (value != NULL || json_object_get(checking->leaf, field) != NULL)
    check_opening(checking, check, field, "participant", value);
}

static void check_commitments(const Checking *checking) {
  check_opening(checking, "session", "session", "session", text(checking->receipt, "session"));
  check_opening(checking, "participant", "participant", "participant", text(checking->receipt, "pii_principal_id"));
  check_disclosure(checking);
  check_optional(checking, "withdraw key", "withdraw_key_sha256", text(checking->receipt, "withdraw_key_sha256"));
}

/* The gate checked it when it was given; whoever has the receipt can do so again without believing the gate. */
static void check_own_signature(const Checking *checking) {
  const json_t *receipt = checking->receipt, *own = json_object_get(receipt, "participant_signature");
  g_autofree char *own_text = json_is_object(own) ? ledger_canonical_json(own, NULL) : NULL;
  check_optional(checking, "participant's signature", "signature", own_text);
  if (own == NULL)
    return;
  const GrantStatement statement = {text(receipt, "session"), text(receipt, "pii_principal_id"), text(receipt, "request"),
                                    text(receipt, "privacy_notice_sha256"), text(receipt, "media")};
  const gboolean whole = statement.session && statement.participant && statement.request && statement.disclosure_sha256 && statement.media;
  g_autoptr(GError) error = NULL;
  json_t *opened = whole ? participant_signature_open(own, &statement, &error) : NULL;
  const json_int_t legs = json_integer_value(json_object_get(receipt, "legs_checked"));
  receipt_checks_add(checking->checks, "participant's key", opened != NULL,
                     opened == NULL ? "the participant did not sign this"
                     : legs > 0     ? "the participant signed it too, over the connection that their media came on"
                                    : "the participant signed it too; no media connection stood then to tie it to");
  json_decref(opened);
}

/* --- proof --- */

static void check_proof(const Checking *checking) {
  const char *leaf = text(checking->ledger, "leaf"), *proof = text(checking->ledger, "proof");
  g_autoptr(GError) error = NULL;
  ProofFile file;
  if (leaf == NULL || proof == NULL) {
    receipt_checks_add(checking->checks, "proof", FALSE, "there is no proof in it");
    return;
  }
  if (!proof_file_open(checking->verifier, proof, leaf, strlen(leaf), &file, &error)) {
    receipt_checks_add(checking->checks, "proof", FALSE, error->message);
    return;
  }
  if (json_integer_value(json_object_get(checking->ledger, "index")) != (json_int_t)file.index) {
    receipt_checks_add(checking->checks, "proof", FALSE, "the proof is of another entry than the one that the receipt names");
    return;
  }
  checking->checks->checkpoint = file.checkpoint;
  checking->checks->proven = TRUE;
  g_autofree char *detail = g_strdup_printf("entry %" G_GUINT64_FORMAT " of the %" G_GUINT64_FORMAT " that the gate had signed then",
                                            file.index, file.checkpoint.size);
  receipt_checks_add(checking->checks, "proof", TRUE, detail);
}

static void check_shape(const Checking *checking) {
  const gboolean known = g_strcmp0(text(checking->receipt, "schema_version"), RECEIPT_SCHEMA) == 0;
  receipt_checks_add(checking->checks, "schema", known, known ? RECEIPT_SCHEMA : "this is not a receipt that this program knows");
  if (json_object_get(checking->receipt, "withdraw_key") != NULL)
    receipt_checks_add(checking->checks, "shown around", FALSE, "a withdraw_key stands in the receipt: whoever sees it can erase");
}

void receipt_check(const json_t *receipt, const LedgerVerifier *verifier, ReceiptChecks *checks) {
  *checks = (ReceiptChecks){.checks = json_array(), .holds = TRUE};
  const json_t *ledger = json_object_get(receipt, "ledger");
  const char *leaf_text = text(ledger, "leaf");
  json_auto_t *leaf = leaf_text != NULL ? json_loads(leaf_text, JSON_REJECT_DUPLICATES, NULL) : NULL;
  const Checking checking = {receipt, ledger, leaf, verifier, checks};
  check_shape(&checking);
  check_signature(&checking);
  check_event(&checking);
  check_request(&checking);
  check_commitments(&checking);
  check_own_signature(&checking);
  check_proof(&checking);
}

/* --- finding them --- */

static void find(const json_t *value, json_t *found, guint depth) {
  if (depth > 4)
    return;
  if (json_object_get(value, "schema_version") != NULL || json_object_get(value, "pii_principal_id") != NULL)
    json_array_append(found, (json_t *)value);
  else if (json_is_object(value)) {
    find(json_object_get(value, "receipts"), found, depth + 1);
    find(json_object_get(value, "receipt"), found, depth + 1);
  }
  for (gsize i = 0; i < json_array_size(value); i++)
    find(json_array_get(value, i), found, depth + 1);
}

json_t *receipt_find_all(const json_t *file) {
  json_t *found = json_array();
  find(file, found, 0);
  return found;
}
