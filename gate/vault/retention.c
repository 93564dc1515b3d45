/* SPDX-License-Identifier: Apache-2.0 */
/* What passes its retention_s is erased by itself (R19): one row a recording whose takes are all closed says when, by both clocks
 * (retention-clock.h), and the storage thread looks at them when it has nothing else to do. */
#include "gate/vault/vault-private.h"

#define LOOK_EVERY_US       (60 * G_USEC_PER_SEC)
#define LOOK_AGAIN_US       G_USEC_PER_SEC /* an erase is under way, or control says that the request is still open */
#define LOOK_ROWS           16             /* at a time: an erase may be waiting */
#define PERSONAL_DATA_S_MIN (2 * 3600)     /* by then the daemon has forgotten the session too */
#define SAVE_EVERY_MS       (10 * 60 * 1000)

typedef struct Overdue {
  gint64 recording, request;
  char *session;
} Overdue;

static void overdue_free(gpointer user) {
  Overdue *overdue = user;
  g_free(overdue->session);
  g_free(overdue);
}

/* --- when is it over --- */

static gint64 lived_ms(const Vault *vault) {
  return retention_clock_lived_ms(&vault->retention.clock, storage_now_us());
}

gboolean retention_take_closed(Vault *vault, const char *session, gint64 take, gint64 at_ms, GError **error) {
  vault->retention.next_us = 0;
  return store_run(
      vault->db, error,
      "INSERT INTO retentions(recording, wall_due, lived_due) SELECT r.id, ?1 + r.retention_s * 1000, ?2 + r.retention_s * 1000"
      " FROM takes AS t JOIN recordings AS r ON r.session = t.session AND r.request = t.request WHERE t.session = ?3 AND t.take = ?4"
      " ON CONFLICT DO UPDATE SET wall_due = excluded.wall_due, lived_due = excluded.lived_due",
      "iisi", at_ms, lived_ms(vault), session, take);
}

gboolean retention_take_opened(Vault *vault, const char *session, gint64 request, GError **error) {
  return store_run(vault->db, error,
                   "DELETE FROM retentions WHERE recording = (SELECT id FROM recordings WHERE session = ? AND request = ?)", "si", session,
                   request);
}

static gboolean save_lived(Vault *vault, gpointer user, GError **error) {
  const gint64 *lived = user;
  return store_run(vault->db, error, "INSERT OR REPLACE INTO meta(name, value) VALUES('lived_ms', ?)", "i", *lived);
}

void retention_save(Vault *vault) {
  gint64 lived = lived_ms(vault);
  if (vault->retention.opened && vault_in_transaction(vault, save_lived, &lived, NULL))
    vault->retention.saved_ms = lived;
}

/* Data of a time before this table: the clock begins anew, the wall knows better. */
static gboolean adopt(Vault *vault, gpointer user, GError **error) {
  (void)user;
  return store_run(vault->db, error,
                   "INSERT OR IGNORE INTO retentions(recording, wall_due, lived_due) SELECT r.id, max(t.closed_at) + r.retention_s * 1000,"
                   " ? + r.retention_s * 1000 FROM recordings AS r JOIN takes AS t ON t.session = r.session AND t.request = r.request"
                   " WHERE EXISTS(SELECT 1 FROM holders AS h WHERE h.recording = r.id AND h.slot IS NOT NULL)"
                   " GROUP BY r.id HAVING count(*) = count(t.closed_at)",
                   "i", lived_ms(vault));
}

gboolean retention_open(Vault *vault, GError **error) {
  gint64 lived = 0;
  if (!store_number(vault->db, 0, &lived, error, "SELECT value FROM meta WHERE name = 'lived_ms'", ""))
    return FALSE;
  retention_clock_start(&vault->retention.clock, lived, state_wall_ms(), storage_now_us());
  vault->retention.saved_ms = lived;
  vault->retention.opened = TRUE;
  vault->retention.opened_ms = state_wall_ms();
  return vault_in_transaction(vault, adopt, NULL, error);
}

/* --- looking --- */

static gboolean find_overdue(Vault *vault, gboolean wall_decides, GPtrArray *list) {
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, NULL,
                  "SELECT r.id, r.request, r.session FROM retentions AS t JOIN recordings AS r ON r.id = t.recording"
                  " WHERE t.recording > ?1 AND (t.lived_due <= ?2 OR t.wall_due <= ?3) ORDER BY t.recording LIMIT ?4",
                  "iiii", vault->retention.looked_at, lived_ms(vault), wall_decides ? state_wall_ms() : G_MININT64, (gint64)LOOK_ROWS);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, NULL)) {
    Overdue *overdue = g_new0(Overdue, 1);
    *overdue = (Overdue){sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1), g_strdup(store_text(row, 2))};
    g_ptr_array_add(list, overdue);
  }
  return row && !failed;
}

/* A recording that a withdrawal has erased whole waits for nothing any more. */
static gboolean forget_erased(Vault *vault, gpointer user, GError **error) {
  const gint64 *recording = user;
  return store_run(vault->db, error, "DELETE FROM retentions WHERE recording = ?", "i", *recording);
}

static void settle_overdue(Vault *vault, Overdue *overdue) {
  gint64 erased = 0;
  if (!store_number(vault->db, 0, &erased, NULL, "SELECT 1 FROM purges WHERE recording = ? AND scope = ?", "ii", overdue->recording,
                    (gint64)VAULT_SCOPE_SESSION))
    return;
  if (erased)
    (void)!vault_in_transaction(vault, forget_erased, &overdue->recording, NULL);
  else if (!erase_is_doomed(vault, overdue->session, (guint64)overdue->request, NULL))
    vault_tell_overdue(vault, overdue->session, (guint64)overdue->request);
}

/* The next few named sessions behind the last one looked at, in the order they were made; of each whether it is over for good: nothing kept, nothing
 * open, nobody who is still there as far as this process knows. */
static const char old_sessions[] =
    "SELECT s.id, s.session, s.last_at <= ?1"
    " AND NOT EXISTS(SELECT 1 FROM recordings AS r LEFT JOIN holders AS h ON h.recording = r.id LEFT JOIN retentions AS t ON t.recording = "
    "r.id"
    " WHERE r.session = s.session AND (h.slot IS NOT NULL OR t.recording IS NOT NULL))"
    " AND NOT EXISTS(SELECT 1 FROM takes AS k WHERE k.session = s.session AND k.closed_at IS NULL)"
    " AND NOT EXISTS(SELECT 1 FROM plans AS g WHERE g.session = s.session AND g.ends > ?1)"
    " AND NOT EXISTS(SELECT 1 FROM participants AS p WHERE p.session = s.session AND p.left_at IS NULL AND p.joined_at >= ?2)"
    " FROM (SELECT rowid AS id, session, last_at FROM sessions WHERE rowid > ?3 AND (session < 'forgotten-' OR session >= 'forgotten.')"
    " ORDER BY rowid LIMIT ?4) AS s";

/* R23: who was in it is nobody's business any more. TRUE: there are more to look at. */
static gboolean forget_old(Vault *vault, gboolean wall_decides) {
  const gint64 seconds = MAX(atomic_load(&vault->personal_data_s), PERSONAL_DATA_S_MIN);
  if (atomic_load(&vault->personal_data_s) == 0 || !wall_decides)
    return FALSE;
  g_autoptr(sqlite3_stmt) row = store_query(vault->db, NULL, old_sessions, "iiii", state_wall_ms() - seconds * 1000,
                                            vault->retention.opened_ms, vault->retention.forgot_at, (gint64)LOOK_ROWS);
  gboolean failed = FALSE;
  gint64 n = 0;
  for (; row && store_step(row, &failed, NULL); n++) {
    vault->retention.forgot_at = sqlite3_column_int64(row, 0);
    if (sqlite3_column_int64(row, 2))
      vault_tell_overdue(vault, store_text(row, 1), 0);
  }
  if (n < LOOK_ROWS)
    vault->retention.forgot_at = 0;
  return n == LOOK_ROWS;
}

static gint64 next_look_us(Vault *vault) {
  const gint64 now_us = storage_now_us();
  gint64 due_ms = G_MAXINT64, by_wall_ms = G_MAXINT64;
  if (!store_number(vault->db, G_MAXINT64, &due_ms, NULL, "SELECT coalesce(min(lived_due), ?) FROM retentions", "i", G_MAXINT64) ||
      !store_number(vault->db, G_MAXINT64, &by_wall_ms, NULL, "SELECT coalesce(min(wall_due), ?) FROM retentions", "i", G_MAXINT64))
    return now_us + LOOK_EVERY_US;
  const gint64 left_ms = due_ms - MIN(due_ms, lived_ms(vault)), wall_left_ms = by_wall_ms - MIN(by_wall_ms, state_wall_ms());
  const gint64 wait_ms = wall_left_ms > 0 ? MIN(left_ms, wall_left_ms) : left_ms; /* one that the wall alone calls overdue: every minute */
  return now_us + CLAMP(wait_ms, LOOK_AGAIN_US / 1000, LOOK_EVERY_US / 1000) * 1000;
}

void vault_set_personal_data(Vault *vault, gint64 seconds) {
  atomic_store(&vault->personal_data_s, seconds);
}

gint64 retention_next_us(Vault *vault) {
  return vault->retention.next_us;
}

void retention_tick(Vault *vault) {
  if (vault->retention.next_us > storage_now_us())
    return;
  const gboolean wall_decides = retention_clock_look(&vault->retention.clock, state_wall_ms(), storage_now_us());
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(overdue_free);
  const gboolean found = find_overdue(vault, wall_decides, list);
  for (guint i = 0; found && i < list->len; i++)
    settle_overdue(vault, list->pdata[i]);
  const gboolean more_people = forget_old(vault, wall_decides);
  const gboolean more = found && list->len == LOOK_ROWS;
  vault->retention.looked_at = more ? ((const Overdue *)list->pdata[list->len - 1])->recording : 0;
  vault->retention.next_us = more ? storage_now_us() : more_people ? storage_now_us() + LOOK_AGAIN_US : next_look_us(vault);
  if (lived_ms(vault) - vault->retention.saved_ms >= SAVE_EVERY_MS)
    retention_save(vault);
}
