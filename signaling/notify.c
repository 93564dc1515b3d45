/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

gboolean notify_send(const char *state) {
  const char *path = g_getenv("NOTIFY_SOCKET");
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (path == NULL || (*path != '/' && *path != '@') || strlen(path) >= sizeof to.sun_path)
    return FALSE;
  memcpy(to.sun_path, path, strlen(path));
  if (*path == '@') /* an abstract name */
    to.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return FALSE;
  const socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  /* The loop never waits for the manager: a ping that finds its queue full is one that the next makes good. */
  const gssize sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, n);
  close(fd);
  return sent == (gssize)strlen(state);
}

guint notify_watchdog_ms(void) {
  const char *every = g_getenv("WATCHDOG_USEC"), *pid = g_getenv("WATCHDOG_PID");
  guint64 us = 0, of = 0;
  if (every == NULL || !g_ascii_string_to_unsigned(every, 10, 2000, G_MAXUINT, &us, NULL))
    return 0;
  if (pid != NULL && (!g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &of, NULL) || of != (guint64)getpid()))
    return 0;
  return (guint)(us / 2000);
}

static gboolean on_due(gpointer user) {
  (void)user;
  notify_send("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

GSource *notify_watchdog_start(GMainContext *context) {
  const guint every_ms = notify_watchdog_ms();
  if (every_ms == 0)
    return NULL;
  GSource *source = g_timeout_source_new(every_ms);
  g_source_set_callback(source, on_due, NULL, NULL);
  g_source_attach(source, context);
  return source;
}
