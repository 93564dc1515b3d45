/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a data directory: its mode, its one owner, and what happens when it is damaged. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vault/fixture.h"

static char *filled(void) {
  Fixture *fixture = fixture_new(NULL);
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  fixture_commit(fixture, fixture_sealed(fixture, take, "a", 0, "media", 5));
  vault_take_unref(take);
  char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  return dir;
}

static void test_modes(void) {
  g_autofree char *base = g_dir_make_tmp("vault-XXXXXX", NULL);
  g_autofree char *dir = g_build_filename(base, "data", NULL);
  const mode_t before = umask(0);
  Fixture *fixture = fixture_new(dir);
  fixture_free(fixture);
  umask(before);
  static const char *const names[] = {"", "segments", "root.key", "keys", "vault.db", "lock", "reserve"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    struct stat about;
    g_autofree char *path = g_build_filename(dir, names[i], NULL);
    g_assert_cmpint(g_stat(path, &about), ==, 0);
    g_assert_cmphex(about.st_mode & 0777, ==, i < 2 ? 0700 : 0600);
  }
  fixture_remove(base);
}

static int open_code(const char *dir, char **message) {
  g_autoptr(GMainContext) control = g_main_context_new();
  g_autoptr(GError) error = NULL;
  g_autoptr(Vault) vault = vault_open(dir, NULL, control, NULL, &error);
  g_assert_true((vault == NULL) == (error != NULL));
  if (message)
    *message = error ? g_strdup(error->message) : NULL;
  return error ? error->code : -1;
}

/* Fault 33. */
static void test_second_owner(void) {
  Fixture *fixture = fixture_new(NULL);
  const pid_t child = fork();
  if (child == 0)
    _exit(open_code(fixture->dir, NULL) == VAULT_ERROR_BUSY ? 0 : 1);
  int status;
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_cmpint(status, ==, 0);
  g_assert_cmpint(open_code(fixture->dir, NULL), ==, VAULT_ERROR_BUSY);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  g_assert_cmpint(open_code(dir, NULL), ==, -1);
  fixture_remove(dir);
}

static void harm(const char *dir, const char *name, gint64 offset, gsize n, gint64 cut) {
  g_autofree char *path = g_build_filename(dir, name, NULL);
  int fd = open(path, O_RDWR);
  g_autofree char *noise = g_strnfill(n, '\x5a');
  g_assert_cmpint(fd, >=, 0);
  g_assert_cmpint(pwrite(fd, noise, n, offset), ==, n);
  if (cut >= 0)
    g_assert_cmpint(ftruncate(fd, cut), ==, 0);
  close(fd);
}

/* Fault 32: flipped bits, cut short, missing; the message says what. */
static void test_damaged(void) {
  static const struct {
    const char *name;
    gint64 offset, n, cut;
    const char *says;
  } harms[] = {
      {"vault.db", 0, 100, -1, "database"},  {"vault.db", 4096, 4096, -1, "database"}, {"vault.db", 0, 0, 0, "vault.db"},
      {"vault.db", 0, 0, 12288, "database"}, {"keys", 20, 8, -1, "key slot"},          {"keys", 0, 0, 0, "keys"},
      {"root.key", 3, 4, -1, "key slot"},    {"root.key", 0, 0, 7, "root.key"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(harms); i++) {
    g_autofree char *dir = filled(), *message = NULL;
    harm(dir, harms[i].name, harms[i].offset, (gsize)harms[i].n, harms[i].cut);
    g_assert_cmpint(open_code(dir, &message), ==, VAULT_ERROR_CORRUPT);
    g_test_message("%s", message);
    g_assert_nonnull(strstr(message, harms[i].says));
    fixture_remove(dir);
  }
  static const char *const missing[] = {"vault.db", "keys", "root.key"};
  for (guint i = 0; i < G_N_ELEMENTS(missing); i++) {
    g_autofree char *dir = filled(), *message = NULL;
    g_autofree char *path = g_build_filename(dir, missing[i], NULL);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(open_code(dir, &message), ==, VAULT_ERROR_CORRUPT);
    g_assert_nonnull(strstr(message, missing[i]));
    fixture_remove(dir);
  }
}

/* A root key that a service manager hands over is nowhere in the data directory; two homes, none and a wrong one are refused. */
static void test_credential(void) {
  g_autofree char *outside = g_dir_make_tmp("recgate-credentials-XXXXXX", NULL), *key = g_build_filename(outside, "root.key", NULL);
  g_autofree char *text = g_strnfill(45, 'k');
  g_assert_true(g_file_set_contents(key, text, 32, NULL));
  g_setenv("CREDENTIALS_DIRECTORY", outside, TRUE);
  g_autofree char *dir = filled(), *inside = g_build_filename(dir, "root.key", NULL), *message = NULL;
  g_assert_false(g_file_test(inside, G_FILE_TEST_EXISTS));
  g_assert_cmpint(open_code(dir, NULL), ==, -1);

  g_assert_true(g_file_set_contents(inside, text, 32, NULL));
  g_assert_cmpint(open_code(dir, &message), ==, VAULT_ERROR_CORRUPT);
  g_assert_nonnull(strstr(message, "too"));
  g_unsetenv("CREDENTIALS_DIRECTORY"); /* moved back */
  g_assert_cmpint(open_code(dir, NULL), ==, -1);
  g_unlink(inside);
  g_assert_cmpint(open_code(dir, NULL), ==, VAULT_ERROR_CORRUPT);
  g_assert_false(g_file_test(inside, G_FILE_TEST_EXISTS)); /* no new one beside keys that the old one wraps */

  g_setenv("CREDENTIALS_DIRECTORY", outside, TRUE);
  g_assert_true(g_file_set_contents(key, text, 44, NULL)); /* base64 by mistake */
  g_assert_cmpint(open_code(dir, NULL), ==, VAULT_ERROR_CORRUPT);
  text[0] = 'x';
  g_assert_true(g_file_set_contents(key, text, 32, NULL));
  g_assert_cmpint(open_code(dir, NULL), ==, VAULT_ERROR_CORRUPT);
  g_unsetenv("CREDENTIALS_DIRECTORY");
  g_unlink(key);
  g_rmdir(outside);
  fixture_remove(dir);
}

/* Fault 35. In a child: it cannot be undone. */
static void test_protect(void) {
  const pid_t child = fork();
  if (child == 0) {
    g_autofree char *limits = NULL;
    const gboolean done = vault_process_protect(NULL) && g_file_get_contents("/proc/thread-self/limits", &limits, NULL, NULL);
    const char *line = done ? strstr(limits, "Max core file size") : NULL;
    unsigned int soft = 1, hard = 1;
    _exit(line && sscanf(line, "Max core file size %u %u", &soft, &hard) == 2 && soft == 0 && hard == 0 ? 0 : 1);
  }
  int status;
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_cmpint(status, ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/open/modes", test_modes);
  g_test_add_func("/vault/open/second-owner", test_second_owner);
  g_test_add_func("/vault/open/damaged", test_damaged);
  g_test_add_func("/vault/open/credential", test_credential);
  g_test_add_func("/vault/open/protect", test_protect);
  return g_test_run();
}
