/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded before Janus (LD_PRELOAD), which offers no candidate of the loopback interface: here it looks like any other. */
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>

int getifaddrs(struct ifaddrs **list) {
  int (*real)(struct ifaddrs **) = (int (*)(struct ifaddrs **))dlsym(RTLD_NEXT, "getifaddrs");
  const int done = real(list);
  for (struct ifaddrs *at = done == 0 ? *list : NULL; at != NULL; at = at->ifa_next)
    at->ifa_flags &= ~(unsigned int)IFF_LOOPBACK;
  return done;
}
