/* SPDX-License-Identifier: Apache-2.0 */
/* The key file: what was erased has no key, what is kept has one, and there is no other (R18, R22). Only the first bytes of each slot are read. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/audit/store-private.h"

#define SLOT_BYTES 512
#define SLOTS_READ 128

typedef enum SlotState { SLOT_EMPTY = 0, SLOT_LIVE, SLOT_ERASING, SLOT_OTHER } SlotState;

static SlotState slot_read(const guint8 *slot) {
  static const char live[8] = "RGKEY01", erasing[8] = "RGERASE"; /* docs/verify.md */
  static const guint8 empty[SLOT_BYTES];
  return memcmp(slot, live, sizeof live) == 0         ? SLOT_LIVE
         : memcmp(slot, erasing, sizeof erasing) == 0 ? SLOT_ERASING
         : memcmp(slot, empty, sizeof empty) == 0     ? SLOT_EMPTY
                                                      : SLOT_OTHER;
}

/* One SlotState a byte; NULL without error: no key file. */
static GByteArray *slots_read(const Store *store, GError **error) {
  const int fd = openat(store->source->dir_fd, "keys", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  guint8 buffer[SLOTS_READ * SLOT_BYTES];
  if (fd < 0)
    return NULL;
  g_autoptr(GByteArray) states = g_byte_array_new();
  gssize n;
  while ((n = pread(fd, buffer, sizeof buffer, (off_t)states->len * SLOT_BYTES)) >= SLOT_BYTES)
    for (gssize at = 0; at + SLOT_BYTES <= n; at += SLOT_BYTES) {
      const guint8 state = (guint8)slot_read(buffer + at);
      g_byte_array_append(states, &state, 1);
    }
  const int code = errno;
  close(fd);
  if (n >= 0)
    return g_steal_pointer(&states);
  g_set_error(error, AUDIT_ERROR, AUDIT_ERROR_STORE, "the key file cannot be read: %s", g_strerror(code));
  return NULL;
}

static void judge_slot(Store *store, GByteArray *states, gint64 slot, const char *name, Findings *findings) {
  const Holder *holder = g_hash_table_lookup(store->holders, name);
  const FindingPlace keys = {.leaf = -1, .file = "keys"};
  if (holder && history_holder_is_purged(holder))
    findings_add(findings, &keys, "R18", "recording %s was erased, and slot %" G_GINT64_FORMAT " is still its key's", name, slot);
  if (slot < 0 || slot >= (gint64)states->len) {
    findings_add(findings, &keys, "R22", "the key file is cut short: slot %" G_GINT64_FORMAT " is missing", slot);
    return;
  }
  switch ((SlotState)states->data[slot]) {
  case SLOT_LIVE:
    store->keys++;
    break;
  case SLOT_ERASING:
    store->interrupted++;
    break;
  case SLOT_EMPTY:
  case SLOT_OTHER:
    findings_add(findings, &keys, "R22", "the key of recording %s, slot %" G_GINT64_FORMAT ", is gone and no leaf explains it", name, slot);
    break;
  }
  states->data[slot] = SLOT_EMPTY; /* explained */
}

static gboolean judge_holders(Store *store, GByteArray *states, Findings *findings, GError **error) {
  gint64 bounds[] = {-1, STORE_PAGE_ROWS};
  guint rows = STORE_PAGE_ROWS;
  while (rows == STORE_PAGE_ROWS) {
    gboolean failed = FALSE;
    g_autoptr(sqlite3_stmt) row = source_query(
        store->source, error, "SELECT slot, recording || '/' || participant FROM holders WHERE slot > ? ORDER BY slot LIMIT ?", 2, bounds);
    for (rows = 0; row && source_step(store->source, row, &failed, error); rows++) {
      bounds[0] = sqlite3_column_int64(row, 0);
      judge_slot(store, states, bounds[0], (const char *)sqlite3_column_text(row, 1), findings);
    }
    if (!row || failed)
      return FALSE;
  }
  return TRUE;
}

gboolean store_keys(Store *store, Findings *findings, GError **error) {
  g_autoptr(GError) why = NULL;
  g_autoptr(GByteArray) states = slots_read(store, &why);
  store->keys = store->interrupted = 0;
  if (why) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  store->no_keys = states == NULL;
  if (!states)
    return TRUE;
  if (!judge_holders(store, states, findings, error))
    return FALSE;
  for (guint slot = 0; slot < states->len; slot++)
    if (states->data[slot] == SLOT_LIVE || states->data[slot] == SLOT_OTHER)
      findings_add(findings, &(const FindingPlace){.leaf = -1, .file = "keys"}, "R18",
                   "slot %u holds a key that no record names (a start of recgate clears what a crash left)", slot);
  return TRUE;
}
