/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target on every file of its corpus directories, whole, cut at every eighth and with every byte at a stride flipped: one TAP test a file. */
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#define CUTS  8
#define FLIPS 256

static void replay(gconstpointer data) {
  const char *file = data;
  g_autofree char *bytes = NULL;
  g_autoptr(GError) error = NULL;
  gsize n = 0;
  g_file_get_contents(file, &bytes, &n, &error);
  g_assert_no_error(error);
  /* A copy of just that size, so that a sanitizer sees a read behind it. */
  for (gsize i = 0; i <= CUTS; i++) {
    gsize length = n * i / CUTS;
    g_autofree guint8 *part = g_memdup2(bytes, length);
    LLVMFuzzerTestOneInput(part != NULL ? part : (const guint8 *)"", length);
  }
  for (gsize at = 0; at < n; at += n / FLIPS + 1) {
    g_autofree guint8 *flipped = g_memdup2(bytes, n);
    flipped[at] ^= 0xff;
    LLVMFuzzerTestOneInput(flipped, n);
  }
}

static void add_corpus(const char *directory) {
  g_autoptr(GDir) corpus = g_dir_open(directory, 0, NULL);
  g_assert_nonnull(corpus);
  for (const char *name = g_dir_read_name(corpus); name != NULL; name = g_dir_read_name(corpus)) {
    g_autofree char *path = g_strdup_printf("/fuzz/%s/%s", g_get_prgname(), name);
    g_test_add_data_func_full(path, g_build_filename(directory, name, NULL), replay, g_free);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_assert_cmpint(argc, >, 1);
  for (int i = 1; i < argc; i++)
    add_corpus(argv[i]);
  return g_test_run();
}
