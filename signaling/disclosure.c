/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/disclosure.h"

#include <sodium.h>
#include <string.h>

#include "gate/ledger/ledger.h"
#include "signaling/letter-words.h"

G_DEFINE_QUARK(disclosure - error, disclosure_error)

static const struct {
  ConsentScope scope;
  const char *word;
} SCOPES[] = {{CONSENT_SCOPE_SESSION, "session"}, {CONSENT_SCOPE_PARTICIPANT, "participant"}, {CONSENT_SCOPE_AFTER, "after"}};

ConsentScope disclosure_scope_parse(const char *text) {
  for (gsize i = 0; text != NULL && i < G_N_ELEMENTS(SCOPES); i++)
    if (g_str_equal(text, SCOPES[i].word))
      return SCOPES[i].scope;
  return CONSENT_SCOPE_UNSET;
}

const char *disclosure_scope_text(ConsentScope scope) {
  for (gsize i = 0; i < G_N_ELEMENTS(SCOPES); i++)
    if (scope == SCOPES[i].scope)
      return SCOPES[i].word;
  return NULL;
}

ConsentScope disclosure_on_withdrawal(const json_t *disclosure) {
  return disclosure_scope_parse(json_string_value(json_object_get(disclosure, "on_withdrawal")));
}

static gboolean missing(const char *field, const char *what, GError **error) {
  g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_MISSING, "The disclosure lacks “%s”: say %s.", field, what);
  return FALSE;
}

static gboolean take_text(json_t *into, const json_t *given, const char *field, const char *what, GError **error) {
  const char *text = json_string_value(json_object_get(given, field));
  if (text == NULL)
    return missing(field, what, error);
  g_autofree char *stripped = g_strstrip(g_strdup(text));
  if (*stripped == '\0')
    return missing(field, what, error);
  if (strlen(stripped) > DISCLOSURE_TEXT_BYTES_MAX) {
    g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD, "“%s” is longer than %d bytes: make it shorter.", field,
                DISCLOSURE_TEXT_BYTES_MAX);
    return FALSE;
  }
  json_object_set_new(into, field, json_string(stripped));
  return TRUE;
}

static gboolean take_list(json_t *into, const json_t *given, const char *field, const char *what, gboolean may_be_empty, GError **error) {
  const json_t *list = json_object_get(given, field);
  if (!json_is_array(list) || (!may_be_empty && json_array_size(list) == 0))
    return missing(field, what, error);
  if (json_array_size(list) > DISCLOSURE_LIST_MAX) {
    g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD, "“%s” names more than %d: name groups instead.", field, DISCLOSURE_LIST_MAX);
    return FALSE;
  }
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (gsize i = 0; i < json_array_size(list); i++) {
    const char *name = json_string_value(json_array_get(list, i));
    if (name == NULL || *name == '\0' || strlen(name) > DISCLOSURE_TEXT_BYTES_MAX) {
      g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD, "Each entry of “%s” must be a text of 1 to %d bytes.", field,
                  DISCLOSURE_TEXT_BYTES_MAX);
      return FALSE;
    }
    g_ptr_array_add(names, (gpointer)name);
  }
  json_t *copy = json_array();
  for (guint i = 0; i < names->len; i++)
    json_array_append_new(copy, json_string(names->pdata[i]));
  json_object_set_new(into, field, copy);
  return TRUE;
}

static gboolean take_purpose(json_t *into, const json_t *given, GError **error) {
  const char *purpose = json_string_value(json_object_get(given, "purpose"));
  if (purpose == NULL)
    return missing("purpose", "one of personal-review, education, documentation, other", error);
  if (!g_strv_contains(letter_purposes, purpose)) {
    g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD,
                "“purpose” must be one of personal-review, education, documentation, other.");
    return FALSE;
  }
  json_object_set_new(into, "purpose", json_string(purpose));
  if (g_str_equal(purpose, "other") || json_is_string(json_object_get(given, "purpose_text")))
    return take_text(into, given, "purpose_text", "what the recording is for, in your own words", error);
  return TRUE;
}

static gboolean take_retention(json_t *into, const json_t *given, gint64 longest_s, GError **error) {
  const json_t *retention = json_object_get(given, "retention_s");
  if (retention == NULL)
    return missing("retention_s", "for how many seconds the recording is kept", error);
  gint64 seconds = json_integer_value(retention);
  if (!json_is_integer(retention) || seconds < 1 || seconds > DISCLOSURE_RETENTION_S_MAX) {
    g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD,
                "“retention_s” must be a whole number of seconds, from 1 to %lld (ten years).", DISCLOSURE_RETENTION_S_MAX);
    return FALSE;
  }
  if (longest_s > 0 && seconds > longest_s) {
    g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD,
                "“retention_s” is more than this service keeps a recording: at most %" G_GINT64_FORMAT " seconds.", longest_s);
    return FALSE;
  }
  json_object_set_new(into, "retention_s", json_integer(seconds));
  return TRUE;
}

static gboolean take_withdrawal(json_t *into, const json_t *given, GError **error) {
  const char *scope = json_string_value(json_object_get(given, "on_withdrawal"));
  if (scope == NULL)
    return missing("on_withdrawal", "what withdrawing erases: session, participant or after", error);
  if (disclosure_scope_parse(scope) == CONSENT_SCOPE_UNSET) {
    g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD, "“on_withdrawal” must be session, participant or after.");
    return FALSE;
  }
  json_object_set_new(into, "on_withdrawal", json_string(scope));
  return TRUE;
}

/* R1: what the gate adds by itself, in plain words, before hashing; in the disclosure's language, or it says that it is not. */
static void add_gate_part(json_t *into, const DisclosureContext *context) {
  gboolean known = FALSE;
  const char *language = json_string_value(json_object_get(into, "language"));
  const LetterWords *words = letter_words(language, &known);
  json_object_set_new(into, "controller", json_string(context->controller));
  json_object_set_new(into, "contact", json_string(context->contact));
  json_object_set_new(into, "session", json_string(context->session));
  json_object_set_new(into, "requested_at", json_string(context->requested_at));
  g_autofree char *withdrawing =
      g_strconcat(words->withdrawing, words->scopes[disclosure_on_withdrawal(into)], words->withdrawing_more, NULL);
  json_t *statements = json_pack("[s, s, s]", withdrawing, words->hold, words->echo);
  if (!known)
    json_array_append_new(statements, json_sprintf("These sentences are in English because this gate does not speak “%s”.", language));
  json_object_set_new(into, "statements", statements);
}

json_t *disclosure_complete(const json_t *given, const DisclosureContext *context, GError **error) {
  if (!json_is_object(given)) {
    g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_MISSING,
                "A request needs a “disclosure”: an object that says what the recording is for.");
    return NULL;
  }
  json_t *complete = json_object();
  if (!take_purpose(complete, given, error) || !take_text(complete, given, "use", "how the recording will be used", error) ||
      !take_text(complete, given, "storage", "how it is stored and protected", error) ||
      !take_list(complete, given, "access", "who may access it", FALSE, error) ||
      !take_list(complete, given, "third_parties", "which third parties get it ([] for none)", TRUE, error) ||
      !take_retention(complete, given, context->retention_s_max, error) || !take_withdrawal(complete, given, error) ||
      !take_text(complete, given, "language", "the language of this text, such as en", error)) {
    json_decref(complete);
    return NULL;
  }
  add_gate_part(complete, context);
  return complete;
}

char *disclosure_canonical(const json_t *disclosure, guint8 hash[32], GError **error) {
  char *text = ledger_canonical_json(disclosure, error);
  if (text != NULL)
    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
  return text;
}
