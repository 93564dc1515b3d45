/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/stun-check.h"

#include <string.h>
#include <stun/usages/ice.h>

/* Any other value makes libnice answer 487 or switch our role; a lite agent is controlled whatever the peer believes (RFC 8445 section 6.1.1). */
#define TIE_BREAKER 0

void stun_check_init_agent(StunAgent *agent) {
  stun_agent_init(agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                  STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

typedef struct Lookup {
  StunCheckFind find;
  gpointer user;
} Lookup;

static bool validate(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t n, uint8_t **pwd, size_t *pwd_bytes, void *user) {
  (void)agent;
  (void)message;
  const Lookup *lookup = user;
  const char *found = NULL;
  if (username == NULL || !lookup->find(username, n, &found, lookup->user))
    return false;
  *pwd = (uint8_t *)found;
  *pwd_bytes = strlen(found);
  return true;
}

StunCheckVerdict stun_check_answer(StunAgent *agent, const guint8 *bytes, gsize n, const Address *from, StunCheckFind find, gpointer user,
                                   StunCheck *check) {
  Lookup lookup = {find, user};
  StunMessage request, reply;
  memset(&request, 0, sizeof request);
  StunValidationStatus status = stun_agent_validate(agent, &request, bytes, n, validate, &lookup);
  /* Indications, responses and everything unauthenticated are dropped without a word: no oracle, no amplification. */
  if ((status != STUN_VALIDATION_SUCCESS && status != STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) ||
      stun_message_get_class(&request) != STUN_REQUEST || stun_message_get_method(&request) != STUN_BINDING || request.key == NULL)
    return STUN_CHECK_REFUSED;
  if (status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) {
    check->reply_bytes = stun_agent_build_unknown_attributes_error(agent, &reply, check->reply, sizeof check->reply, &request);
    return check->reply_bytes > 0 ? STUN_CHECK_ANSWER_ONLY : STUN_CHECK_REFUSED;
  }
  /* XOR-MAPPED-ADDRESS must be of the family that the peer used, also on a socket that takes both. */
  struct sockaddr_storage source;
  socklen_t source_bytes = address_to_sockaddr(from, address_is_ipv4(from) ? AF_INET : AF_INET6, &source);
  bool controlling = false;
  size_t reply_bytes = sizeof check->reply;
  StunUsageIceReturn done =
      stun_usage_ice_conncheck_create_reply(agent, &request, &reply, check->reply, &reply_bytes, &source, source_bytes, &controlling,
                                            TIE_BREAKER, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  check->reply_bytes = reply_bytes;
  if (reply_bytes == 0)
    return STUN_CHECK_REFUSED;
  if (done != STUN_USAGE_ICE_RETURN_SUCCESS && done != STUN_USAGE_ICE_RETURN_ROLE_CONFLICT)
    return STUN_CHECK_ANSWER_ONLY;
  if (stun_message_get_class(&reply) != STUN_RESPONSE)
    return STUN_CHECK_ANSWER_ONLY;
  check->priority = stun_usage_ice_conncheck_priority(&request);
  check->use_candidate = stun_usage_ice_conncheck_use_candidate(&request);
  return STUN_CHECK_VALID;
}
