/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/vcon.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

static const char *word(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}

static char *rfc3339(gint64 ms) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(ms / 1000);
  g_autofree char *seconds = at ? g_date_time_format(at, "%Y-%m-%dT%H:%M:%S") : NULL;
  return seconds ? g_strdup_printf("%s.%03dZ", seconds, (int)(ms % 1000)) : NULL;
}

static gint64 ms_of(const char *text) {
  g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(text, NULL);
  return at ? g_date_time_to_unix(at) * 1000 + g_date_time_get_microsecond(at) / 1000 : -1;
}

/* Version 8 as the draft makes it: the time of version 7, and the high 62 bits of the SHA-1 of a name, which here is the log's. */
static char *uuid_new(const char *verifier, gint64 now_ms) {
  g_auto(GStrv) parts = g_strsplit(verifier, "+", 2);
  guint8 bytes[16], digest[EVP_MAX_MD_SIZE];
  if (EVP_Digest(parts[0] ? parts[0] : "", strlen(parts[0] ? parts[0] : ""), digest, NULL, EVP_sha1(), NULL) != 1)
    return g_uuid_string_random();
  for (guint i = 0; i < 6; i++)
    bytes[i] = (guint8)((guint64)now_ms >> (40 - 8 * i));
  randombytes_buf(bytes + 6, 2);
  bytes[6] = (guint8)(0x80 | (bytes[6] & 0x0f));
  bytes[8] = (guint8)(0x80 | digest[0] >> 2);
  for (guint i = 9; i < 16; i++)
    bytes[i] = (guint8)(digest[i - 9] << 6 | digest[i - 8] >> 2);
  char hex[33];
  sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
  return g_strdup_printf("%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* --- parties --- */

static json_t *parties(const json_t *session) {
  json_t *list = json_array();
  size_t i;
  json_t *person;
  json_array_foreach(json_object_get(session, "participants"), i, person) {
    json_t *party = json_pack("{s:s, s:{s:O, s:O}}", "validation", "signed token", "recgate", "id", json_object_get(person, "id"), "role",
                              json_object_get(person, "role"));
    if (*word(person, "name"))
      json_object_set(party, "name", json_object_get(person, "name"));
    json_array_append_new(list, party);
  }
  return list;
}

static gint64 party_of(const json_t *session, const char *participant) {
  size_t i;
  json_t *person;
  json_array_foreach(json_object_get(session, "participants"), i, person) {
    if (strcmp(word(person, "id"), participant) == 0)
      return (gint64)i;
  }
  return -1;
}

/* --- dialogs: one a kept take and person --- */

static json_t *find_dialog(json_t *dialogs, const json_t *segment) {
  size_t i;
  json_t *dialog;
  json_array_foreach(dialogs, i, dialog) {
    const json_t *own = json_object_get(dialog, "recgate");
    if (json_equal(json_object_get(own, "take"), json_object_get(segment, "take")) &&
        json_equal(json_object_get(own, "participant"), json_object_get(segment, "participant")))
      return dialog;
  }
  return NULL;
}

static json_t *dialog_new(const json_t *session, const json_t *segment) {
  const gint64 party = party_of(session, word(segment, "participant"));
  json_t *dialog = json_pack("{s:s, s:O, s:s, s:{s:O, s:O, s:O, s:[]}}", "type", "recording", "start", json_object_get(segment, "start"),
                             "application", "recgate", "recgate", "participant", json_object_get(segment, "participant"), "request",
                             json_object_get(segment, "request"), "take", json_object_get(segment, "take"), "segments");
  if (party >= 0)
    json_object_set_new(dialog, "parties", json_integer(party));
  return dialog;
}

static void dialog_add(json_t *dialog, const json_t *segment) {
  static const char *const copied[] = {"id", "track", "medium", "codec", "seq", "start", "end", "bytes", "sha256"};
  json_t *one = json_object();
  for (guint i = 0; i < G_N_ELEMENTS(copied); i++)
    json_object_set(one, copied[i], json_object_get(segment, copied[i]));
  json_array_append_new(json_object_get(json_object_get(dialog, "recgate"), "segments"), one);
  if (strcmp(word(segment, "start"), word(dialog, "start")) < 0)
    json_object_set(dialog, "start", json_object_get(segment, "start"));
  const gint64 length_ms = ms_of(word(segment, "end")) - ms_of(word(dialog, "start"));
  if ((double)length_ms / 1000 > json_number_value(json_object_get(dialog, "duration")))
    json_object_set_new(dialog, "duration", json_real((double)length_ms / 1000));
}

static json_t *dialogs(const VconFacts *facts) {
  json_t *list = json_array();
  size_t i;
  json_t *segment;
  json_array_foreach((json_t *)facts->segments, i, segment) {
    if (strcmp(word(segment, "state"), "kept") != 0)
      continue;
    json_t *dialog = find_dialog(list, segment);
    if (!dialog) {
      dialog = dialog_new(facts->session, segment);
      json_array_append_new(list, dialog);
    }
    dialog_add(dialog, segment);
  }
  return list;
}

/* --- lawful basis: one attachment an answer --- */

static const json_t *request_of(const json_t *session, const json_t *number) {
  size_t i;
  json_t *request;
  json_array_foreach(json_object_get(session, "requests"), i, request) {
    if (json_equal(json_object_get(request, "request"), number))
      return request;
  }
  return NULL;
}

/* R19: retention_s after the end of the last take. */
static json_t *expiration(const json_t *session, const json_t *request) {
  gint64 closed_ms = -1;
  size_t i;
  json_t *take;
  json_array_foreach(json_object_get(session, "takes"), i, take) {
    if (json_equal(json_object_get(take, "request"), json_object_get(request, "request")))
      closed_ms = MAX(closed_ms, ms_of(word(take, "closed")));
  }
  g_autofree char *at = closed_ms < 0 ? NULL : rfc3339(closed_ms + json_integer_value(json_object_get(request, "retention_s")) * 1000);
  return at ? json_string(at) : json_null();
}

static json_t *purpose(const char *what, const json_t *consent, const json_t *conditions) {
  return json_pack("{s:s, s:b, s:O, s:O}", "purpose", what, "granted", strcmp(word(consent, "answer"), "granted") == 0, "granted_at",
                   json_object_get(consent, "at"), "conditions", conditions);
}

static json_t *purposes(const json_t *consent, const json_t *request) {
  json_auto_t *conditions = json_array();
  const json_t *media = json_object_get(consent, "media");
  size_t i;
  json_t *medium;
  json_array_append_new(conditions, json_sprintf("on_withdrawal: %s", word(request, "on_withdrawal")));
  json_array_foreach((json_t *)media, i, medium) {
    json_array_append_new(conditions, json_sprintf("media: %s", json_string_value(medium) ? json_string_value(medium) : ""));
  }
  const char *disclosed = word(json_object_get(request, "disclosure"), "purpose");
  json_t *list = json_pack("[o]", purpose("recording", consent, conditions));
  if (*disclosed)
    json_array_append_new(list, purpose(disclosed, consent, conditions));
  return list;
}

/* The last leaf of this person that says what the answer is now. */
static json_t *proofs(const VconFacts *facts, const json_t *consent) {
  const char *answer = word(consent, "answer");
  const char *type = strcmp(answer, "granted") == 0 ? "grant" : strcmp(answer, "declined") == 0 ? "decline" : "withdraw";
  const json_t *last = NULL;
  size_t i;
  json_t *one;
  json_array_foreach((json_t *)facts->answers, i, one) {
    json_auto_t *leaf = json_loads(word(one, "leaf"), 0, NULL);
    if (strcmp(word(one, "type"), type) == 0 && strcmp(word(one, "participant"), word(consent, "participant")) == 0 &&
        json_equal(json_object_get(leaf, "request"), json_object_get(consent, "request")))
      last = one;
  }
  if (!last)
    return json_array();
  g_autofree char *at = rfc3339(json_integer_value(json_object_get(last, "at")));
  return json_pack("[{s:s, s:s, s:{s:s, s:s, s:O, s:O, s:O, s:O}}]", "proof_type", "external_system", "timestamp", at ? at : "",
                   "proof_data", "system", "recgate ledger: c2sp.org/tlog-proof", "verifier", facts->verifier, "index",
                   json_object_get(last, "index"), "leaf", json_object_get(last, "leaf"), "salts", json_object_get(last, "salts"), "proof",
                   json_object_get(last, "proof"));
}

static json_t *lawful_basis(const VconFacts *facts, const json_t *consent, const json_t *dialog_list) {
  const json_t *request = request_of(facts->session, json_object_get(consent, "request"));
  const gint64 party = party_of(facts->session, word(consent, "participant"));
  json_t *body = json_pack("{s:s, s:o, s:o, s:o, s:{s:O, s:O*, s:O*}}", "lawful_basis", "consent", "expiration",
                           expiration(facts->session, request), "purpose_grants", purposes(consent, request), "proof_mechanisms",
                           proofs(facts, consent), "metadata", "request", json_object_get(consent, "request"), "disclosure",
                           json_object_get(request, "disclosure"), "disclosure_sha256", json_object_get(request, "disclosure_sha256"));
  json_t *attachment =
      json_pack("{s:s, s:O, s:s, s:o}", "type", "lawful_basis", "start", json_object_get(consent, "at"), "encoding", "json", "body", body);
  if (party >= 0)
    json_object_set_new(attachment, "party", json_integer(party));
  size_t i;
  json_t *dialog;
  json_array_foreach((json_t *)dialog_list, i, dialog) {
    if (json_equal(json_object_get(json_object_get(dialog, "recgate"), "request"), json_object_get(consent, "request")) &&
        json_integer_value(json_object_get(dialog, "parties")) == party) {
      json_object_set_new(attachment, "dialog", json_integer((json_int_t)i));
      break;
    }
  }
  return attachment;
}

json_t *vcon_new(const VconFacts *facts) {
  g_autofree char *uuid = uuid_new(facts->verifier, facts->now_ms), *at = rfc3339(facts->now_ms);
  json_t *dialog_list = dialogs(facts), *attachments = json_array();
  size_t i;
  json_t *consent;
  json_array_foreach(json_object_get(facts->session, "consents"), i, consent) {
    json_array_append_new(attachments, lawful_basis(facts, consent, dialog_list));
  }
  return json_pack("{s:s, s:s, s:s, s:s, s:O, s:[s, s], s:o, s:o, s:[], s:o}", "vcon", "0.4.0", "uuid", uuid, "created_at", at ? at : "",
                   "updated_at", at ? at : "", "subject", json_object_get(facts->session, "id"), "extensions", "lawful_basis", "recgate",
                   "parties", parties(facts->session), "dialog", dialog_list, "analysis", "attachments", attachments);
}

gboolean vcon_dialog(const json_t *vcon, gsize index, const char **participant, guint32 *take) {
  const json_t *own = json_object_get(json_array_get(json_object_get(vcon, "dialog"), index), "recgate");
  *participant = word(own, "participant");
  *take = (guint32)json_integer_value(json_object_get(own, "take"));
  return own != NULL;
}

static char *base64url(const void *bytes, gsize n) {
  const gsize room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  char *text = g_malloc(room);
  sodium_bin2base64(text, room, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return text;
}

#define VCON_DOCTYPE_WITHIN 64 /* bytes: the EBML header is shorter (RFC 8794 section 11.2) */

void vcon_dialog_set_media(json_t *vcon, gsize index, const guint8 *bytes, gsize n) {
  json_t *dialog = json_array_get(json_object_get(vcon, "dialog"), index);
  g_autofree char *body = base64url(bytes, n);
  const gboolean webm = memmem(bytes, MIN(n, VCON_DOCTYPE_WITHIN), "webm", 4) != NULL; /* else H.264 made a Matroska of it */
  json_object_set_new(dialog, "mediatype", json_string(webm ? "video/webm" : "video/x-matroska"));
  json_object_set_new(dialog, "encoding", json_string("base64url"));
  json_object_set_new(dialog, "body", json_string(body));
}

void vcon_leave_media_out(json_t *vcon) {
  json_object_set_new(vcon, "redacted", json_pack("{s:s}", "type", "recordings left out"));
}

json_t *vcon_sign(const json_t *vcon, const Vault *vault) {
  json_auto_t *header = json_pack("{s:s, s:s, s:s}", "alg", "EdDSA", "kid", vault_verifier_text(vault), "typ", "vcon");
  char *header_text = json_dumps(header, JSON_COMPACT | JSON_SORT_KEYS), *vcon_text = json_dumps(vcon, JSON_COMPACT | JSON_SORT_KEYS);
  if (!header_text || !vcon_text) {
    free(header_text);
    free(vcon_text);
    return NULL;
  }
  g_autofree char *protected = base64url(header_text, strlen(header_text)), *payload = base64url(vcon_text, strlen(vcon_text));
  g_autofree char *input = g_strconcat(protected, ".", payload, NULL);
  guint8 signature[64];
  vault_sign(vault, input, strlen(input), signature);
  g_autofree char *signed_text = base64url(signature, sizeof signature);
  free(header_text);
  free(vcon_text);
  return json_pack("{s:s, s:[{s:s, s:s}]}", "payload", payload, "signatures", "protected", protected, "signature", signed_text);
}
