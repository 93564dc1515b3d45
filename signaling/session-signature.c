/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/session-signature.h"

#include "signaling/participant-signature.h"
#include "signaling/session-media.h"

static gboolean lists(const json_t *list, const char *fingerprint) {
  for (gsize i = 0; i < json_array_size(list); i++)
    if (g_strcmp0(json_string_value(json_array_get(list, i)), fingerprint) == 0)
      return TRUE;
  return FALSE;
}

/* Every connected leg of the member is named, and no leg of anybody else. */
static gboolean legs_fit(const Session *session, const Member *member, const json_t *list, json_int_t *checked, GError **error) {
  *checked = 0;
  for (guint i = 0; i < session->links->len; i++) {
    const Link *link = session->links->pdata[i];
    for (guint side = 0; side < G_N_ELEMENTS(link->member); side++) {
      const char *fingerprint = call_remote_fingerprint(link->call, (CallSide)side);
      const gboolean own = link->member[side] == member;
      if (fingerprint == NULL || lists(list, fingerprint) == own) {
        *checked += fingerprint != NULL && own;
        continue;
      }
      g_set_error_literal(error, PARTICIPANT_SIGNATURE_ERROR, 0,
                          "The signature names another connection than the one your media comes over.");
      return FALSE;
    }
  }
  return TRUE;
}

gboolean session_signature_take(Session *session, const Member *member, const json_t *message, json_t *leaf, GError **error) {
  const json_t *given = json_object_get(message, "signature");
  if (given == NULL)
    return TRUE; /* a page without WebCrypto cannot sign; its receipt says so */
  g_autofree char *request = g_strdup_printf("%lld", (long long)json_integer_value(json_object_get(leaf, "request")));
  const GrantStatement statement = {.session = session->id,
                                    .participant = member->id,
                                    .request = request,
                                    .disclosure_sha256 = json_string_value(json_object_get(leaf, "disclosure_sha256")),
                                    .media = json_string_value(json_object_get(leaf, "media"))};
  json_int_t checked = 0;
  json_t *signature = participant_signature_open(given, &statement, error);
  if (signature == NULL)
    return FALSE;
  if (!legs_fit(session, member, json_object_get(signature, "fingerprints"), &checked, error)) {
    json_decref(signature);
    return FALSE;
  }
  json_object_set_new(leaf, "signature", signature);
  json_object_set_new(leaf, "legs_checked", json_integer(checked));
  return TRUE;
}
