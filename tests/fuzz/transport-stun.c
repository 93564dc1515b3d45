/* SPDX-License-Identifier: Apache-2.0 */
/* Fault 5: without the password nothing is VALID, and no reply is larger than what STUN errors need. */
#include "pipelines/transport/stun-check.h"
#include "tests/fuzz/fuzz.h"

static gboolean find(const guint8 *username, gsize n, const char **pwd, gpointer user) {
  (void)username, (void)user;
  *pwd = "a-password-that-nobody-outside-knows";
  return n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  StunAgent agent;
  StunCheck check = {0};
  const Address from = {0};
  stun_check_init_agent(&agent);
  g_assert_cmpint(stun_check_answer(&agent, bytes, n, &from, find, NULL, &check), ==, STUN_CHECK_REFUSED);
  return 0;
}
