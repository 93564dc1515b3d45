/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads and Origins: a table each (faults 14, 16, 18). */
#include <string.h>

#include "signaling/http-head.h"

#define HOST "Host: a\r\n"

static const struct {
  const char *head;
  guint status;
} heads[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET /v1/sessions/a.b-c_d?x=%20y&z=1 HTTP/1.1\r\n" HOST "\r\n", 200},
    {"HEAD /x HTTP/1.1\r\n" HOST "\r\n", 200},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 200},
    {"GET /x/ HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET / HTTP/1.1\r\n" HOST "\r", 0},
    {"", 0},
    {"GET /../etc HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a/.. HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a/./b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /v1/%2e%2e/x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /v1/.%2E HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /v1/a%2fb HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /v1/a%00 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /v1/a%0d HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /v1/a%zz HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /v1/a% HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a//b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET //b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a?x=%00 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a?q#b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.0\r\n" HOST "\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"PUT / HTTP/1.1\r\n" HOST "\r\n", 405},
    {"PATCH / HTTP/1.1\r\n" HOST "\r\n", 411},
    {"PATCH / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n", 200},
    {"OPTIONS / HTTP/1.1\r\n" HOST "\r\n", 200},
    {"OPTIONS / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n", 400},
    {"DELETE / HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"GET / HTTP/1.1\n" HOST "\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST " folded: x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "a : x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "a: x\x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "\r\n", 411},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 262145\r\n\r\n", 413},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
    {"GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "Upgrade: websocket, h2c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "Upgrade: WebSocket\r\n\r\n", 200},
};

static void test_table(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
    const char *why = NULL;
    guint status = http_head_check(heads[i].head, strlen(heads[i].head), &why);
    if (status != heads[i].status)
      g_error("row %zu: %u instead of %u for %s", i, status, heads[i].status, heads[i].head);
    g_assert_true(status == 0 || status == 200 || why);
  }
}

/* No prefix of a good head is anything but "more"; no prefix of any head reads beyond its end (run under ASan). */
static void test_prefixes(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(heads); i++)
    for (gsize n = 0; n < strlen(heads[i].head); n++) {
      const char *why = NULL;
      g_autofree char *exact = g_memdup2(heads[i].head, MAX(n, 1));
      guint status = http_head_check(exact, n, &why);
      if (heads[i].status == 200 && !memmem(exact, n, "\r\n\r\n", 4))
        g_assert_cmpuint(status, ==, 0);
    }
}

static void test_large(void) {
  const char *why = NULL;
  g_autofree char *large = g_strnfill(HTTP_HEAD_BYTES_MAX, 'a');
  g_assert_cmpuint(http_head_check(large, HTTP_HEAD_BYTES_MAX, &why), ==, 431);
  g_assert_cmpuint(http_head_check(large, HTTP_HEAD_BYTES_MAX - 1, &why), ==, 0);
}

static void test_origin(void) {
  static const char *const list[] = {"https://friend.example", NULL}, *const any[] = {"*", NULL};
  g_assert_true(http_origin_is_allowed("http://a.example:8480", "a.example:8480", NULL, TRUE));
  g_assert_true(http_origin_is_allowed("https://A.example", "a.example", NULL, TRUE));
  g_assert_true(http_origin_is_allowed("http://[::1]:8480", "[::1]:8480", NULL, TRUE));
  g_assert_true(http_origin_is_allowed("https://friend.example", "a.example", list, TRUE));
  g_assert_true(http_origin_is_allowed("https://evil.example", "a.example", any, TRUE));
  g_assert_true(http_origin_is_allowed(NULL, "a.example", NULL, FALSE));
  g_assert_false(http_origin_is_allowed(NULL, "a.example", NULL, TRUE));
  g_assert_false(http_origin_is_allowed("", "a.example", list, TRUE));
  g_assert_false(http_origin_is_allowed("null", "a.example", list, FALSE));
  g_assert_false(http_origin_is_allowed("https://evil.example", "a.example", list, FALSE));
  g_assert_false(http_origin_is_allowed("http://a.example:1", "a.example:2", NULL, FALSE));
  g_assert_false(http_origin_is_allowed("https://a.example.evil", "a.example", NULL, FALSE));
  g_assert_false(http_origin_is_allowed("https://a.example/x", "a.example", NULL, FALSE));
  g_assert_false(http_origin_is_allowed("file://a.example", "a.example", NULL, FALSE));
  g_assert_false(http_origin_is_allowed("https://a.example", NULL, NULL, FALSE));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/head/table", test_table);
  g_test_add_func("/signaling/head/prefixes", test_prefixes);
  g_test_add_func("/signaling/head/large", test_large);
  g_test_add_func("/signaling/origin/rule", test_origin);
  return g_test_run();
}
