/* SPDX-License-Identifier: Apache-2.0 */
/* A service manager's socket, by path and by abstract name, and what is told there. */
#include "signaling/notify.h"

#include <glib/gstdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager(const char *name) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  memcpy(at.sun_path, name, strlen(name));
  if (*name == '@')
    at.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), ==, 0);
  g_setenv("NOTIFY_SOCKET", name, TRUE);
  return fd;
}

static void assert_told(int fd, const char *state) {
  char got[64] = {0};
  g_assert_cmpint(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), ==, strlen(state));
  g_assert_cmpstr(got, ==, state);
}

static void test_told(gconstpointer abstract) {
  g_autofree char *dir = g_dir_make_tmp("recgate-notify-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(dir, "socket", NULL), *name = g_strdup_printf("@recgate-test-%d", (int)getpid());
  const int fd = manager(abstract ? name : path);
  g_assert_true(notify_send("READY=1"));
  assert_told(fd, "READY=1");
  close(fd);
  g_assert_false(notify_send("READY=1")); /* the manager is gone */
  g_unlink(path);
  g_rmdir(dir);
}

static void test_nobody(void) {
  g_unsetenv("NOTIFY_SOCKET");
  g_assert_false(notify_send("READY=1"));
  g_autofree char *long_path = g_strnfill(200, '/');
  const char *const odd[] = {"", "relative", "vsock:2:1", long_path};
  for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
    g_setenv("NOTIFY_SOCKET", odd[i], TRUE);
    g_assert_false(notify_send("READY=1"));
  }
}

static void test_full(void) {
  g_autofree char *name = g_strdup_printf("@recgate-full-%d", (int)getpid());
  const int fd = manager(name);
  guint told = 0;
  while (told < 100000 && notify_send("WATCHDOG=1")) /* would hang here if it waited */
    told++;
  g_assert_cmpuint(told, <, 100000);
  close(fd);
}

static void test_watchdog(void) {
  g_unsetenv("WATCHDOG_PID");
  g_unsetenv("WATCHDOG_USEC");
  g_assert_null(notify_watchdog_start(NULL));
  const char *const odd[] = {"", "0", "x", "-5", "1999", "99999999999999"};
  for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
    g_setenv("WATCHDOG_USEC", odd[i], TRUE);
    g_assert_cmpuint(notify_watchdog_ms(), ==, 0);
  }
  g_setenv("WATCHDOG_USEC", "30000000", TRUE);
  g_assert_cmpuint(notify_watchdog_ms(), ==, 15000);
  g_setenv("WATCHDOG_PID", "1", TRUE);
  g_assert_cmpuint(notify_watchdog_ms(), ==, 0);
  g_autofree char *self = g_strdup_printf("%d", (int)getpid());
  g_setenv("WATCHDOG_PID", self, TRUE);
  g_setenv("WATCHDOG_USEC", "2000", TRUE); /* every millisecond */
  g_autofree char *name = g_strdup_printf("@recgate-watchdog-%d", (int)getpid());
  const int fd = manager(name);
  GSource *watchdog = notify_watchdog_start(NULL);
  for (guint i = 0; i < 3; i++) {
    g_main_context_iteration(NULL, TRUE);
    assert_told(fd, "WATCHDOG=1");
  }
  g_source_destroy(watchdog);
  g_source_unref(watchdog);
  close(fd);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/signaling/notify/by-path", NULL, test_told);
  g_test_add_data_func("/signaling/notify/by-abstract-name", "abstract", test_told);
  g_test_add_func("/signaling/notify/nobody", test_nobody);
  g_test_add_func("/signaling/notify/full", test_full);
  g_test_add_func("/signaling/notify/watchdog", test_watchdog);
  return g_test_run();
}
