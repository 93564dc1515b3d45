/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a daemon under test (shim.mjs): its boot clock runs ahead, as on a machine that slept, and its disk takes no write for as long as asked.
 *
 * RECGATE_SHIM names a file of two native 64-bit numbers, shared with the test: seconds ahead; not 0: the disk stands still. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 1000000 /* how often a write that waits looks again */

static const volatile int64_t *orders; /* NULL: none */

__attribute__((constructor)) static void shim_start(void) {
  const char *name = getenv("RECGATE_SHIM");
  const int fd = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  void *map = fd >= 0 ? mmap(NULL, 2 * sizeof *orders, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (map != MAP_FAILED)
    orders = map;
  if (fd >= 0)
    close(fd);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int clock_gettime(clockid_t clock, struct timespec *now) {
  const int done = REAL(clock_gettime)(clock, now);
  if (done == 0 && clock == CLOCK_BOOTTIME && orders != NULL)
    now->tv_sec += orders[0];
  return done;
}

static void wait_for_disk(void) {
  while (orders != NULL && orders[1] != 0)
    nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

int fsync(int fd) {
  wait_for_disk();
  return REAL(fsync)(fd);
}

int fdatasync(int fd) {
  wait_for_disk();
  return REAL(fdatasync)(fd);
}
