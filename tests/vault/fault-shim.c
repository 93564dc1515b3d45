/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into the workload: the Nth call that changes the disk ends the process (torn, if it is a write), or the disk refuses from then on.
 *
 * FAULT_AT=N, FAULT_MODE=kill | full | eio. `full` behaves like a full disk: what fits into existing blocks still works, and what is
 * unlinked gives its bytes back. */
#undef _FILE_OFFSET_BITS /* both names of each call are defined here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define KILLED_STATUS 77

static atomic_long calls;       /* so far */
static atomic_llong free_bytes; /* on the full disk */

static long fault_at(void) {
  const char *text = getenv("FAULT_AT");
  return text ? atol(text) : 0;
}

static int mode_is(const char *mode) {
  const char *text = getenv("FAULT_MODE");
  return text && strcmp(text, mode) == 0;
}

/* Counts one call. 0: let it pass; 1: it is the one, or later. */
static int strike(void) {
  const long n = atomic_fetch_add(&calls, 1) + 1, at = fault_at();
  return at > 0 && n >= at;
}

static int is_file(int fd, struct stat *about) {
  return fd > 2 && fstat(fd, about) == 0 && S_ISREG(about->st_mode);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int fails_with(int code) {
  errno = code;
  return -1;
}

/* 1: the write may go on. */
static int write_allowed(int fd, const void *bytes, size_t n, off_t offset) {
  struct stat about;
  if (!is_file(fd, &about) || !strike())
    return 1;
  if (mode_is("kill")) {
    (void)!REAL(pwrite)(fd, bytes, n / 2, offset);
    _exit(KILLED_STATUS);
  }
  if (mode_is("eio"))
    return fails_with(EIO) + 1;
  const long long grows = (long long)offset + (long long)n - (long long)about.st_size;
  if (grows <= 0 || atomic_load(&free_bytes) >= grows) {
    atomic_fetch_sub(&free_bytes, grows > 0 ? grows : 0);
    return 1;
  }
  return fails_with(ENOSPC) + 1;
}

/* For calls that are done or not. 1: go on. */
static int call_allowed(int on_full) {
  if (!strike())
    return 1;
  if (mode_is("kill"))
    _exit(KILLED_STATUS);
  if (mode_is("eio"))
    return fails_with(EIO) + 1;
  return on_full;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) {
  return write_allowed(fd, bytes, n, offset) ? REAL(pwrite)(fd, bytes, n, offset) : -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset) {
  return write_allowed(fd, bytes, n, offset) ? REAL(pwrite64)(fd, bytes, n, offset) : -1;
}

ssize_t write(int fd, const void *bytes, size_t n) {
  const off_t at = fd > 2 ? lseek(fd, 0, SEEK_CUR) : -1;
  return at < 0 || write_allowed(fd, bytes, n, at) ? REAL(write)(fd, bytes, n) : -1;
}

int fsync(int fd) {
  return call_allowed(1) ? REAL(fsync)(fd) : -1;
}
int fdatasync(int fd) {
  return call_allowed(1) ? REAL(fdatasync)(fd) : -1;
}
int rename(const char *from, const char *to) {
  return call_allowed(1) ? REAL(rename)(from, to) : -1;
}
int renameat(int a, const char *from, int b, const char *to) {
  return call_allowed(1) ? REAL(renameat)(a, from, b, to) : -1;
}
int mkdirat(int dir, const char *name, mode_t mode) {
  return call_allowed(1) ? REAL(mkdirat)(dir, name, mode) : -1;
}
int ftruncate(int fd, off_t n) {
  return call_allowed(1) ? REAL(ftruncate)(fd, n) : -1;
}
int ftruncate64(int fd, off64_t n) {
  return call_allowed(1) ? REAL(ftruncate64)(fd, n) : -1;
}

static void count_freed(int dir, const char *name) {
  struct stat about;
  if (mode_is("full") && fstatat(dir, name, &about, AT_SYMLINK_NOFOLLOW) == 0)
    atomic_fetch_add(&free_bytes, (long long)about.st_size);
}

int unlink(const char *name) {
  if (!call_allowed(1))
    return -1;
  count_freed(AT_FDCWD, name);
  return REAL(unlink)(name);
}

int unlinkat(int dir, const char *name, int flags) {
  if (!call_allowed(1))
    return -1;
  count_freed(dir, name);
  return REAL(unlinkat)(dir, name, flags);
}

static int allocate_allowed(off64_t offset, off64_t n) {
  if (!strike())
    return 0;
  if (mode_is("kill"))
    _exit(KILLED_STATUS);
  if (mode_is("eio"))
    return EIO;
  if (atomic_load(&free_bytes) < offset + n)
    return ENOSPC;
  atomic_fetch_sub(&free_bytes, offset + n);
  return 0;
}

int posix_fallocate(int fd, off_t offset, off_t n) {
  const int code = allocate_allowed(offset, n);
  return code ? code : REAL(posix_fallocate)(fd, offset, n);
}

int posix_fallocate64(int fd, off64_t offset, off64_t n) {
  const int code = allocate_allowed(offset, n);
  return code ? code : REAL(posix_fallocate64)(fd, offset, n);
}
