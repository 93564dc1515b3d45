/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole process must be for keys to stay in it (fault 35). */
#include "gate/vault/vault.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

gboolean vault_process_protect(GError **error) {
  const struct rlimit none = {0, 0};
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "cannot forbid core dumps: %s", g_strerror(errno));
    return FALSE;
  }
  struct rlimit locked;
  if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur < locked.rlim_max) {
    locked.rlim_cur = locked.rlim_max;
    /* Refused is no harm: vault_open says so when the memory for keys cannot be locked. */
    (void)!setrlimit(RLIMIT_MEMLOCK, &locked);
  }
  return TRUE;
}
