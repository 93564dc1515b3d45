/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a data directory, and the way of answers to the control thread. */
#include "gate/vault/vault.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/vault/files.h"
#include "gate/vault/home.h"
#include "gate/vault/vault-private.h"

G_DEFINE_QUARK(vault_error_quark, vault_error)

/* What was appended is signed in the transaction that appends it: no leaf is durable without a checkpoint over it. */
gboolean vault_commit_transaction(Vault *vault, GError **error) {
  g_autoptr(GError) why = NULL;
  if (!ledger_sign(vault->db, vault->ledger_key, &why)) {
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "%s", why->message);
    return FALSE;
  }
  return sqlite3_exec(vault->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK || store_failed(vault->db, error);
}

gboolean vault_in_transaction(Vault *vault, gboolean (*work)(Vault *vault, gpointer user, GError **error), gpointer user, GError **error) {
  if (sqlite3_exec(vault->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
    return store_failed(vault->db, error);
  if (work(vault, user, error) && vault_commit_transaction(vault, error))
    return TRUE;
  sqlite3_exec(vault->db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

/* --- opening --- */

/* The database first holds a row, and the key file a key, only after both were made: one without the other has been lost. */
static gboolean check_set(Vault *vault, GError **error) {
  struct stat about;
  const gboolean keys = fstatat(vault->dir_fd, "keys", &about, AT_SYMLINK_NOFOLLOW) == 0;
  const gboolean db = fstatat(vault->dir_fd, "vault.db", &about, AT_SYMLINK_NOFOLLOW) == 0 && about.st_size > 0;
  if (db && !keys) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the key file \"keys\" is missing: restore it together with vault.db");
    return FALSE;
  }
  vault->keyring = keyring_open(vault->dir_fd, TRUE, error);
  if (!vault->keyring)
    return FALSE;
  for (gint64 slot = 0; !db && slot < keyring_slots(vault->keyring); slot++) {
    KeySlotState state;
    KeyTombstone grave;
    if (!keyring_state(vault->keyring, slot, &state, &grave, error))
      return FALSE;
    if (state == KEY_SLOT_EMPTY)
      continue;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "vault.db is missing or empty, but keys are there: restore it from its backup");
    return FALSE;
  }
  return TRUE;
}

/* The log's key is made with the log: one without the other has been lost. */
static gboolean make_ledger_key(Vault *vault, GError **error) {
  guint64 size = 0;
  if (!ledger_size(vault->db, &size, NULL) || size > 0) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "ledger.key is missing, and the ledger is not empty: restore it from its backup");
    return FALSE;
  }
  g_autofree char *own = vault->origin && *vault->origin ? g_strdup(vault->origin) : ledger_origin_new();
  g_autoptr(LedgerKey) key = ledger_key_new(own);
  if (!key) {
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "“%s” cannot name a log: no spaces and no plus sign, such as gate.example.com/log",
                own);
    return FALSE;
  }
  char *text = ledger_key_text(key);
  const gboolean put = files_put(vault->dir_fd, LEDGER_KEY_FILE, (const guint8 *)text, strlen(text), error);
  note_text_free(text);
  return put;
}

static gboolean open_ledger_key(Vault *vault, GError **error) {
  struct stat about;
  g_autoptr(GError) why = NULL;
  if (fstatat(vault->dir_fd, LEDGER_KEY_FILE, &about, AT_SYMLINK_NOFOLLOW) != 0 && !make_ledger_key(vault, error))
    return FALSE;
  vault->ledger_key = files_read_ledger_key(vault->dir_fd, error);
  if (!vault->ledger_key)
    return FALSE;
  vault->verifier_text = ledger_key_verifier_text(vault->ledger_key);
  vault->ledger_verifier = ledger_verifier_parse(vault->verifier_text, &why);
  return vault->ledger_verifier != NULL;
}

const char *vault_verifier_text(const Vault *vault) {
  return vault->verifier_text;
}

void vault_sign(const Vault *vault, const void *bytes, gsize n, guint8 signature[64]) {
  ledger_key_sign(vault->ledger_key, bytes, n, signature);
}

static gboolean open_store(Vault *vault, GError **error) {
  /* SQLite gives its journal the mode of the database: made here, private from its first moment. */
  int fd = openat(vault->dir_fd, "vault.db", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return files_failed(error, "open the database");
  files_close(&fd);
  vault->db = store_open(vault->dir, TRUE, error);
  return vault->db && store_prepare(vault->db, error) && open_ledger_key(vault, error) &&
         store_check(vault->db, vault->dir, vault->ledger_verifier, error);
}

static gboolean open_parts(Vault *vault, GError **error) {
  if (!files_open_dir(vault->dir, &vault->dir_fd, error) || !files_lock(vault->dir_fd, vault->dir, &vault->lock_fd, error))
    return FALSE;
  vault->arena = keyarena_new(error);
  return vault->arena && check_set(vault, error) && open_store(vault, error);
}

/* A new one is at home before its first leaf; in a copy nothing is written. */
static gboolean open_home(Vault *vault, GError **error) {
  guint64 size = 0;
  if (!home_check(vault->dir_fd, vault->db, vault->dir, error))
    return FALSE;
  return (ledger_size(vault->db, &size, NULL) && size > 0) || home_settle(vault->dir_fd, vault->db, error);
}

gboolean vault_open_rest(Vault *vault, GError **error) {
  return retention_open(vault, error) && files_open_segments(vault->dir_fd, &vault->segments_fd, error) && recover(vault, error);
}

static gboolean open_all(Vault *vault, GError **error) {
  if (!open_parts(vault, error) || !open_home(vault, error) || !vault_open_rest(vault, error))
    return FALSE;
  g_autoptr(GError) full = NULL;
  if (!health_make_reserve(vault, &full)) /* reading and erasing must be possible on a full disk: open, but do not record */
    health_set(vault, HEALTH_SPACE, full->message);
  return TRUE;
}

void vault_close_parts(Vault *vault) {
  owed_clear(&vault->owed);
  for (guint i = 0; i < VAULT_SPARE_FDS; i++)
    files_close(&vault->spare_fds[i]);
  g_clear_pointer(&vault->sealed, g_hash_table_unref);
  store_close(vault->db);
  ledger_key_free(vault->ledger_key);
  ledger_verifier_free(vault->ledger_verifier);
  g_free(vault->verifier_text);
  g_free(vault->origin);
  g_free(vault->head_file);
  keyring_free(vault->keyring);
  keyarena_free(vault->arena);
  storage_free(vault->storage);
  delivery_free(vault->delivery);
  g_ptr_array_unref(vault->doomed);
  pthread_mutex_destroy(&vault->doomed_lock);
  files_close(&vault->segments_fd);
  files_close(&vault->lock_fd); /* last: only now another process may come */
  files_close(&vault->dir_fd);
  g_free(vault->dir);
  g_free(vault);
}

static gint64 next_tick_us(Vault *vault) {
  return MIN(MIN(health_next_us(vault), retention_next_us(vault)), head_next_us(vault));
}

static void tick(Vault *vault) {
  health_tick(vault);
  retention_tick(vault);
  head_tick(vault);
}

static Vault *vault_make(const char *data_dir, const char *origin, GMainContext *control, const VaultEvents *events) {
  Vault *vault = g_new0(Vault, 1);
  vault->dir = g_strdup(data_dir);
  vault->origin = g_strdup(origin);
  vault->dir_fd = vault->lock_fd = vault->segments_fd = -1;
  for (guint i = 0; i < VAULT_SPARE_FDS; i++)
    vault->spare_fds[i] = -1;
  vault->probe_us = vault->head_next_us = G_MAXINT64;
  if (events)
    vault->events = *events;
  pthread_mutex_init(&vault->doomed_lock, NULL);
  vault->doomed = g_ptr_array_new_with_free_func(doomed_free);
  vault->sealed = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)segment_unref);
  vault->delivery = delivery_new(control);
  return vault;
}

Vault *vault_open_parts(const char *data_dir, GError **error) {
  if (sodium_init() < 0)
    return NULL;
  Vault *vault = vault_make(data_dir, NULL, NULL, NULL);
  if (open_parts(vault, error))
    return vault;
  vault_close_parts(vault);
  return NULL;
}

Vault *vault_open(const char *data_dir, const char *origin, GMainContext *control, const VaultEvents *events, GError **error) {
  if (sodium_init() < 0) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "no source of randomness");
    return NULL;
  }
  Vault *vault = vault_make(data_dir, origin, control, events);
  if (!open_all(vault, error)) {
    vault_close_parts(vault);
    return NULL;
  }
  static const StorageIdle idle = {.work = cleanup_work, .next_tick_us = next_tick_us, .tick = tick};
  vault->storage = storage_new(vault, &idle);
  storage_start(vault->storage);
  return vault;
}

static void forget_sealed(Vault *vault) {
  GHashTableIter iter;
  gpointer segment;
  g_hash_table_iter_init(&iter, vault->sealed);
  while (g_hash_table_iter_next(&iter, NULL, &segment)) {
    segment_forget_file(vault, segment);
    take_remove(((VaultSegment *)segment)->take, segment);
  }
}

void vault_free(Vault *vault) {
  if (!vault)
    return;
  storage_stop(vault->storage);
  for (Job *left; (left = storage_pop_left(vault->storage));)
    left->cancel(vault, left);
  (void)!owed_settle(vault, FALSE);
  forget_sealed(vault);
  (void)!vault_sync_segments(vault); /* names of what was committed last: an orderly end leaves none to the next start */
  retention_save(vault);
  head_write(vault);
  if (vault->db)
    (void)!home_settle(vault->dir_fd, vault->db, NULL); /* says how long the log is; an older home does as well */
  while (delivery_flush(vault->delivery))               /* answers may ask for more; that is answered at once, with an error */
    ;
  vault_close_parts(vault);
}

static void job_refuse(Vault *vault, Job *job) {
  g_autoptr(GError) error = g_error_new_literal(VAULT_ERROR, VAULT_ERROR_STORAGE, "the store is closing");
  if (job->cancel)
    job->cancel(vault, job);
  else
    job->after(vault, job, error);
}

gboolean vault_push(Vault *vault, Lane lane, Job *job) {
  if (storage_push(vault->storage, lane, job))
    return TRUE;
  job_refuse(vault, job);
  return FALSE;
}

/* --- answers and events --- */

typedef struct AnswerParcel {
  Parcel parcel;
  VaultDone done;
  gpointer user;
  GError *error;
  Answer answer;
} AnswerParcel;

static void answer_deliver(Parcel *parcel) {
  AnswerParcel *sent = (AnswerParcel *)parcel;
  const Answer *answer = &sent->answer;
  const VaultReply reply = {.error = sent->error,
                            .leaf_index = sent->error ? -1 : answer->place.index,
                            .leaf_hash = sent->error ? "" : answer->place.hash,
                            .segments = answer->segments,
                            .bytes = answer->bytes,
                            .exports = answer->exports,
                            .done_us = answer->done_us,
                            .proof = sent->error ? NULL : answer->proof};
  if (sent->done)
    sent->done(&reply, sent->user);
  json_decref(answer->exports);
  json_decref(answer->proof);
  g_clear_error(&sent->error);
  g_free(sent);
}

void vault_answer(Vault *vault, VaultDone done, gpointer user, const GError *error, const Answer *answer) {
  AnswerParcel *sent = g_new0(AnswerParcel, 1);
  *sent = (AnswerParcel){
      .parcel = {.deliver = answer_deliver}, .done = done, .user = user, .error = error ? g_error_copy(error) : NULL, .answer = *answer};
  if (!sent->answer.done_us)
    sent->answer.done_us = storage_now_us();
  delivery_post(vault->delivery, &sent->parcel);
}

typedef struct EventParcel {
  Parcel parcel;
  Vault *vault;
  char *session, *why;
  guint32 take;
  guint64 segment, request;
  gint64 last_packet_us;
  gboolean healthy;
} EventParcel;

static void event_free(EventParcel *event) {
  g_free(event->session);
  g_free(event->why);
  g_free(event);
}

static void event_post(Vault *vault, void (*deliver)(Parcel *parcel), const EventParcel *event) {
  EventParcel *sent = g_new0(EventParcel, 1);
  *sent = *event;
  sent->vault = vault;
  sent->parcel.deliver = deliver;
  delivery_post(vault->delivery, &sent->parcel);
}

static void sealed_deliver(Parcel *parcel) {
  EventParcel *event = (EventParcel *)parcel;
  const VaultEvents *events = &event->vault->events;
  const VaultSealed sealed = {event->segment, event->session, event->take, event->last_packet_us};
  if (events->sealed)
    events->sealed(&sealed, events->user);
  event_free(event);
}

static void failed_deliver(Parcel *parcel) {
  EventParcel *event = (EventParcel *)parcel;
  const VaultEvents *events = &event->vault->events;
  if (events->take_failed)
    events->take_failed(event->session, event->take, event->why, events->user);
  event_free(event);
}

static void health_deliver(Parcel *parcel) {
  EventParcel *event = (EventParcel *)parcel;
  const VaultEvents *events = &event->vault->events;
  if (events->health)
    events->health(event->healthy, event->why, events->user);
  event_free(event);
}

/* Control may know better: a request that is still open is not over, nor a session that somebody is in. Else nobody needs to be asked (R19). */
static void overdue_deliver(Parcel *parcel) {
  EventParcel *event = (EventParcel *)parcel;
  Vault *vault = event->vault;
  const VaultErase erase = {
      .session = event->session, .request = event->request, .scope = VAULT_SCOPE_SESSION, .participant = "", .reason = "expired"};
  const gboolean over = !vault->overdue || !vault->overdue(event->session, event->request, vault->overdue_user);
  if (over && event->request == 0)
    vault_forget(vault, event->session, NULL, NULL, NULL);
  else if (over)
    vault_erase(vault, &erase, NULL, NULL);
  event_free(event);
}

void vault_set_overdue(Vault *vault, VaultOverdue overdue, gpointer user) {
  vault->overdue = overdue;
  vault->overdue_user = user;
}

void vault_tell_overdue(Vault *vault, const char *session, guint64 request) {
  const EventParcel event = {.session = g_strdup(session), .request = request};
  event_post(vault, overdue_deliver, &event);
}

void vault_tell_sealed(Vault *vault, const VaultSegment *segment) {
  const EventParcel event = {.session = g_strdup(segment->take->session),
                             .take = segment->take->number,
                             .segment = segment->id,
                             .last_packet_us = segment->last_packet_us};
  event_post(vault, sealed_deliver, &event);
}

void vault_tell_failed(Vault *vault, const char *session, guint32 take, const char *why) {
  const EventParcel event = {.session = g_strdup(session), .take = take, .why = g_strdup(why)};
  event_post(vault, failed_deliver, &event);
}

void vault_tell_health(Vault *vault, gboolean healthy, const char *why) {
  const EventParcel event = {.healthy = healthy, .why = g_strdup(why)};
  event_post(vault, health_deliver, &event);
}
