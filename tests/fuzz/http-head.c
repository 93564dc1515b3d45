/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the first bytes of a connection, as whole and as they trickle in, and the Origin rule (faults 14, 16, 18). */
#include "signaling/http-head.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *why = NULL;
  const guint whole = http_head_check((const char *)data, size, &why);
  g_assert_true(whole == 0 || whole == 200 || (whole >= 400 && whole < 600 && why != NULL));
  const char *why_half = NULL; /* and a longer piece never turns a refusal into a yes */
  if (http_head_check((const char *)data, size / 2, &why_half) >= 400)
    g_assert_cmpuint(whole, >=, 400);
  for (size_t n = 0; whole == 200 && n < MIN(size, 64); n++) { /* no shorter piece of what is fit was already refused */
    g_autofree char *exact = g_memdup2(data, n);
    const guint early = http_head_check(exact, n, &why);
    g_assert_true(early == 0 || early == 200);
  }
  static const char *const allowed[] = {"https://example.org", NULL};
  g_autofree char *origin = g_strndup((const char *)data, size);
  if (http_origin_is_allowed(origin, "gate.example:8443", allowed, TRUE))
    g_assert_true(g_ascii_strcasecmp(origin, allowed[0]) == 0 || strstr(origin, "://") != NULL);
  return 0;
}
