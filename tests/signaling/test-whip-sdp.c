/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/whip-sdp.h"

#include <string.h>

#define SDP                                                                                                                                \
  "v=0\r\ns=-\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 X 1\r\na=mid:0\r\na=ice-ufrag:one\r\na=ice-pwd:two\r\na=sendonly\r\n"       \
  "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=end-of-candidates\r\nm=video 9 X 2\r\na=mid:1\r\na=ice-ufrag:one\r\na=ice-pwd:two\r\n"

static void test_value(void) {
  g_autofree char *ufrag = whip_sdp_value(SDP, "ice-ufrag"), *bare = whip_sdp_value("a=ice-ufrag:x\n", "ice-ufrag"),
                  *none = whip_sdp_value("b=ice-ufrag:x", "ice-ufrag");
  g_assert_cmpstr(ufrag, ==, "one");
  g_assert_cmpstr(bare, ==, "x");
  g_assert_null(none);
}

static void test_restarted(void) {
  g_autofree char *sdp = whip_sdp_restarted(SDP, "three", "four"), *back = whip_sdp_restarted(sdp, "one", "two");
  g_assert_null(strstr(sdp, ":one"));
  g_assert_null(strstr(sdp, ":two"));
  g_assert_nonnull(strstr(sdp, "a=mid:1\r\na=ice-ufrag:three\r\na=ice-pwd:four\r\n"));
  g_assert_cmpstr(back, ==, SDP);
}

static void test_fragment(void) {
  g_autofree char *fragment = whip_sdp_fragment(SDP);
  g_assert_cmpstr(fragment, ==,
                  "a=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 X 1\r\na=mid:0\r\na=ice-ufrag:one\r\na=ice-pwd:two\r\n"
                  "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=end-of-candidates\r\n");
}

static void test_url(void) {
  static const struct {
    const char *url, *resource, *filled; /* NULL: refused */
  } rows[] = {{"http://h/whip", NULL, "http://h/whip"},
              {"http://h/{session}/{participant}", NULL, "http://h/talk/anna"},
              {"http://h/w/{resource}", "a/b.c", "http://h/w/a/b.c"},
              {"http://h/w/{resource}", NULL, NULL},
              {"http://h/w", "a", NULL},
              {"http://h/w/{resource}", "", NULL},
              {"http://h/w/{resource}", "../x", NULL},
              {"http://h/w/{resource}", "a//b", NULL},
              {"http://h/w/{resource}", "a?b", NULL},
              {"http://h/w/{resource}", "a b", NULL},
              {"http://h/w/{resource}", "{session}", NULL}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *filled = whip_url_fill(rows[i].url, "talk", "anna", rows[i].resource);
    g_assert_cmpstr(filled, ==, rows[i].filled);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/whip-sdp/value", test_value);
  g_test_add_func("/signaling/whip-sdp/restarted", test_restarted);
  g_test_add_func("/signaling/whip-sdp/fragment", test_fragment);
  g_test_add_func("/signaling/whip-sdp/url", test_url);
  return g_test_run();
}
