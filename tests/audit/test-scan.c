/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves as the audit reads them: canonical JSON and nothing else (RFC 8785; faults 17, 38). */
#include "gate/audit/leaf.h"

#include <string.h>

static gboolean reads(const char *text) {
  Leaf leaf;
  return leaf_read(&leaf, 0, text, strlen(text));
}

static void test_canonical(void) {
  static const char *const good[] = {
      "{\"at\":1,\"type\":\"x\"}",
      "{\"at\":1,\"extra\":[1,{\"a\":null,\"b\":true},\"\\\"\\\\\"],\"type\":\"x\",\"zebra\":-5}",
      "{\"at\":1,\"bytes\":\"of another kind\",\"type\":\"x\"}",
  };
  static const char *const bad[] = {
      "",
      "{}",
      "[]",
      "{\"type\":\"x\"}",
      "{\"at\":1}",
      "{\"at\":1,\"type\":\"x\"} ",
      " {\"at\":1,\"type\":\"x\"}",
      "{\"at\":1,\"type\":\"x\"",
      "{\"type\":\"x\",\"at\":1}",          /* names out of order */
      "{\"at\":1,\"at\":2,\"type\":\"x\"}", /* a name twice */
      "{\"at\":01,\"type\":\"x\"}",
      "{\"at\":1.5,\"type\":\"x\"}",
      "{\"at\":-0,\"type\":\"x\"}",
      "{\"at\":9007199254740993,\"type\":\"x\"}",
      "{\"at\":1,\"type\":\"a\nb\"}",
      "{\"at\":1,\"type\":\"\xff\"}",
      "{\"at\":1,\"type\":\"x\",}",
      "{\"at\":1,\"type\":tru}",
      "{\"at\":1,\"type\":\"x\\",
  };
  for (guint i = 0; i < G_N_ELEMENTS(good); i++)
    if (!reads(good[i]))
      g_error("not read: %s", good[i]);
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    if (reads(bad[i]))
      g_error("read: %s", bad[i]);
}

static void test_deep(void) {
  g_autoptr(GString) text = g_string_new("{\"a\":");
  for (guint i = 0; i < 100000; i++)
    g_string_append_c(text, '[');
  g_assert_false(reads(text->str));
}

/* Cut anywhere, or with a byte changed, it is refused or read, and nothing beyond its end is looked at. */
static void test_cut(void) {
  static const char text[] =
      "{\"at\":1,\"confirmed\":[{\"before_us\":7,\"participant\":\"p\"}],\"discard\":true,\"roster\":[\"a\",\"b\"],\"type\":\"commit\"}";
  for (gsize n = 0; n < sizeof text - 1; n++) {
    Leaf leaf;
    g_autofree char *exact = g_memdup2(text, n + 1); /* its end is the allocation's: the address sanitizer sees a step too far */
    g_assert_false(leaf_read(&leaf, 0, exact, n));
    for (guint bit = 0; bit < 8; bit++) {
      g_autofree char *changed = g_memdup2(text, sizeof text - 1);
      changed[n] ^= (char)(1 << bit);
      (void)!leaf_read(&leaf, 0, changed, sizeof text - 1);
    }
  }
}

static void test_fields(void) {
  Leaf leaf;
  static const char text[] = "{\"at\":5,\"continues\":false,\"discard\":true,\"disclosure_sha256\":\"d\",\"request\":3,\"roster\":[\"a\","
                             "\"b\"],\"session\":\"s\",\"type\":\"t\"}";
  g_assert_true(leaf_read(&leaf, 9, text, sizeof text - 1));
  g_assert_true(leaf.discard && !leaf.continues && leaf.index == 9 && leaf.at == 5 && leaf.request == 3 && leaf.take == -1);
  g_assert_true(scan_is(leaf.disclosure_sha256, "d") && scan_is(leaf.session, "s") && scan_is(leaf.type, "t") &&
                scan_is(leaf.roster, "[\"a\",\"b\"]"));
  g_assert_null(leaf.participant.at);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/audit/scan/canonical", test_canonical);
  g_test_add_func("/audit/scan/deep", test_deep);
  g_test_add_func("/audit/scan/cut", test_cut);
  g_test_add_func("/audit/scan/fields", test_fields);
  return g_test_run();
}
