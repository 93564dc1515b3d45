/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON: what is refused (fault 17), and the metrics text. */
#include <string.h>

#include "signaling/json.h"
#include "signaling/metrics.h"

static gboolean parses(const char *text) {
  g_autoptr(GError) error = NULL;
  json_auto_t *value = json_text_parse(text, strlen(text), &error);
  g_assert_true((value == NULL) == (error != NULL));
  return value != NULL;
}

static void test_refused(void) {
  static const char *const bad[] = {"",
                                    "{",
                                    "[]",
                                    "1",
                                    "null",
                                    "{\"a\":1,\"a\":2}",
                                    "{\"a\":1}x",
                                    "{'a':1}",
                                    "{\"a\":01}",
                                    "{\"a\":1e999}",
                                    "{\"a\":NaN}",
                                    "{\"a\":\"\xff\"}",
                                    "{\"a\":\"\\u0000\"}",
                                    "{\"a\":99999999999999999999}",
                                    "{\"a\":\"\\ud800\"}",
                                    "{\"a\":\"\n\"}",
                                    "{\"a\":\"\xed\xa0\x80\"}"};
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    if (parses(bad[i]))
      g_error("accepted: %s", bad[i]);
  g_assert_null(json_text_parse("{\"a\":1}\0", 8, NULL));
  g_assert_true(parses("{}"));
  g_assert_true(parses("{\"a\":[{\"b\":\"\\\"[[[,,,\"}]}"));
}

static void test_message_quotes_nothing(void) {
  g_autoptr(GError) error = NULL;
  const char *text = "{\"secret\":sesame}";
  g_assert_null(json_text_parse(text, strlen(text), &error));
  g_assert_null(strstr(error->message, "sesame"));
}

static char *repeat(const char *unit, guint n, const char *before, const char *after) {
  GString *text = g_string_new(before);
  for (guint i = 0; i < n; i++)
    g_string_append(text, unit);
  return g_string_free(g_string_append(text, after), FALSE);
}

static void test_limits(void) {
  g_autofree char *deep = repeat("[", JSON_DEPTH_MAX - 1, "{\"a\":", ""), *fits = repeat("]", JSON_DEPTH_MAX - 1, deep, "}");
  g_assert_true(parses(fits));
  g_autofree char *deeper = repeat("[", JSON_DEPTH_MAX, "{\"a\":", ""), *too_deep = repeat("]", JSON_DEPTH_MAX, deeper, "}");
  g_assert_false(parses(too_deep));
  g_autofree char *many = repeat("{},", JSON_CONTAINERS_MAX - 3, "{\"a\":[", "{}]}"),
                  *too_many = repeat("{},", JSON_CONTAINERS_MAX - 2, "{\"a\":[", "{}]}");
  g_assert_true(parses(many));
  g_assert_false(parses(too_many));
  g_autofree char *values = repeat("1,", JSON_VALUES_MAX, "{\"a\":[", "1]}"),
                  *too_many_values = repeat("1,", JSON_VALUES_MAX + 1, "{\"a\":[", "1]}");
  g_assert_true(parses(values));
  g_assert_false(parses(too_many_values));
  g_autofree char *large = repeat("x", JSON_TEXT_BYTES_MAX, "{\"a\":\"", "\"}");
  g_assert_false(parses(large));
}

static void test_member(void) {
  json_auto_t *object = json_pack("{s:s, s:i, s:s%}", "text", "x", "number", 1, "nul", "a\0b", (size_t)3);
  g_assert_cmpstr(json_text_member(object, "text"), ==, "x");
  g_assert_null(json_text_member(object, "number"));
  g_assert_null(json_text_member(object, "nul"));
  g_assert_null(json_text_member(object, "none"));
}

static void test_metrics(void) {
  g_autoptr(Metrics) metrics = metrics_new();
  metrics_family(metrics, "recgate_a_total", METRICS_COUNTER, "Help\\ with\nlines.");
  metrics_sample(metrics, "by", "a\"b\\c\nd", 3);
  metrics_single(metrics, "recgate_b", METRICS_GAUGE, "B.", 0.5);
  g_autoptr(GBytes) bytes = metrics_take(metrics);
  g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  g_assert_cmpstr(
      text, ==,
      "# HELP recgate_a_total Help\\\\ with\\nlines.\n# TYPE recgate_a_total counter\nrecgate_a_total{by=\"a\\\"b\\\\c\\nd\"} 3\n"
      "# HELP recgate_b B.\n# TYPE recgate_b gauge\nrecgate_b 0.5\n");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/json/refused", test_refused);
  g_test_add_func("/signaling/json/message-quotes-nothing", test_message_quotes_nothing);
  g_test_add_func("/signaling/json/limits", test_limits);
  g_test_add_func("/signaling/json/member", test_member);
  g_test_add_func("/signaling/metrics/text", test_metrics);
  return g_test_run();
}
