/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/answer.h"

#include <string.h>

const char *answer_refusal_text(ConsentResult result) {
  switch (result) {
  case CONSENT_OK:
  case CONSENT_REFUSED:
    return "That is not possible in the present state of the session.";
  case CONSENT_NOT_JOINED:
    return "You are not in the session now: join again.";
  case CONSENT_SESSION_FULL:
    return "The session is full.";
  case CONSENT_ROLE_MAY_NOT_ASK:
    return "Your role may not ask to record.";
  case CONSENT_REQUEST_PENDING:
    return "There is a request already: one at a time. Stop it before you make another.";
  case CONSENT_REQUEST_LIMIT:
    return "No further request may be made in this session.";
  case CONSENT_DECLINED_FINAL:
    return "Somebody said no. That is final for this session, unless that person offers their consent by themselves.";
  case CONSENT_NO_REQUEST:
    return "Nobody has asked to record.";
  case CONSENT_REQUEST_ENDED:
    return "That request is over.";
  case CONSENT_WRONG_DISCLOSURE:
    return "That is not the text of this request: disclosure_sha256 differs. Show the present disclosure and ask again.";
  case CONSENT_CANNOT_CONSENT:
    return "This participant cannot give consent in this session.";
  case CONSENT_NOTHING_TO_LIFT:
    return "You have not said no in this session.";
  case CONSENT_PAUSED_BY_OTHER:
    return "Somebody else has paused the recording: only that person can lift it.";
  case CONSENT_NOT_RECORDING:
    return "There is no recording to pause, resume or stop.";
  }
  return "Refused.";
}

gboolean answer_parse_media(const json_t *list, ConsentMedia *media) {
  if (list == NULL) {
    *media = CONSENT_MEDIA_ALL;
    return TRUE;
  }
  guint mask = 0;
  for (gsize i = 0; i < json_array_size(list); i++) {
    const char *word = json_string_value(json_array_get(list, i));
    if (g_strcmp0(word, "audio") == 0)
      mask |= CONSENT_MEDIA_AUDIO;
    else if (g_strcmp0(word, "video") == 0)
      mask |= CONSENT_MEDIA_VIDEO;
    else
      return FALSE;
  }
  *media = (ConsentMedia)mask;
  return mask != 0;
}

gboolean answer_parse_sha256(const char *hex, guint8 hash[32]) {
  if (hex == NULL || strlen(hex) != 64)
    return FALSE;
  for (gsize i = 0; i < 32; i++) {
    gint high = g_ascii_xdigit_value(hex[2 * i]), low = g_ascii_xdigit_value(hex[2 * i + 1]);
    if (high < 0 || low < 0)
      return FALSE;
    hash[i] = (guint8)(high << 4 | low);
  }
  return TRUE;
}

guint64 answer_request_number(const json_t *object) {
  const json_t *value = json_object_get(object, "request");
  return json_is_string(value) ? g_ascii_strtoull(json_string_value(value), NULL, 10) : (guint64)MAX(0, json_integer_value(value));
}
