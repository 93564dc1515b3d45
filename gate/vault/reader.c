/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a data directory for reading, and the bytes of kept segments. */
#include "gate/vault/vault-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/vault/files.h"
#include "gate/vault/home.h"
#include "gate/vault/reader-private.h"
#include "gate/vault/vault-private.h"

#define SEGMENT_BYTES_MAX (256 * 1024 * 1024) /* some seconds of one track; more is not a segment of ours */

typedef struct SegmentRow {
  gint64 recording, request, slot;
  guint32 take, seq;
  char *session, *participant, *track, *consent_set;
  guint8 wrapped[AEAD_WRAPPED_BYTES];
} SegmentRow;

static void segment_row_clear(SegmentRow *row) {
  g_free(row->session);
  g_free(row->participant);
  g_free(row->track);
  g_free(row->consent_set);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SegmentRow, segment_row_clear)

typedef struct ClearBytes { /* media in clear: wiped when it is let go */
  gsize n;
  guint8 bytes[];
} ClearBytes;

static void clear_bytes_free(gpointer user) {
  ClearBytes *clear = user;
  sodium_memzero(clear->bytes, clear->n);
  g_free(clear);
}

static gboolean open_parts(VaultReader *reader, GError **error) {
  reader->dir_fd = open(reader->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (reader->dir_fd < 0)
    return files_failed(error, "open the data directory");
  reader->segments_fd = openat(reader->dir_fd, "segments", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (reader->segments_fd < 0)
    return files_failed(error, "open segments/");
  reader->db = store_open(reader->dir, FALSE, error);
  reader->keyring = reader->db ? keyring_open(reader->dir_fd, FALSE, error) : NULL;
  if (!reader->keyring || !store_run(reader->db, error, "PRAGMA query_only=ON", ""))
    return FALSE;
  reader->secrets = sodium_malloc(sizeof *reader->secrets);
  return reader->secrets || files_failed(error, "lock memory for keys");
}

VaultReader *vault_reader_open(const char *data_dir, Vault *vault, GError **error) {
  if (sodium_init() < 0) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "no source of randomness");
    return NULL;
  }
  g_autoptr(VaultReader) reader = g_new0(VaultReader, 1);
  reader->dir = g_strdup(data_dir);
  reader->vault = vault;
  reader->dir_fd = reader->segments_fd = -1;
  return open_parts(reader, error) ? g_steal_pointer(&reader) : NULL;
}

void vault_reader_free(VaultReader *reader) {
  if (!reader)
    return;
  sodium_free(reader->secrets);
  keyring_free(reader->keyring);
  store_close(reader->db);
  files_close(&reader->segments_fd);
  files_close(&reader->dir_fd);
  g_free(reader->dir);
  g_free(reader);
}

static gboolean refuse(GError **error, VaultError code, const char *what) {
  g_set_error_literal(error, VAULT_ERROR, (gint)code, what);
  return FALSE;
}

static gboolean find_segment(VaultReader *reader, guint64 id, SegmentRow *out, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error,
                  "SELECT s.recording, r.request, r.session, s.take, s.participant, s.track, s.seq, s.consent_set, s.wrapped,"
                  " coalesce(h.slot, -1), s.dropped IS NOT NULL OR " READER_PURGED " IS NOT NULL"
                  " FROM segments AS s JOIN recordings AS r ON r.id = s.recording"
                  " LEFT JOIN holders AS h ON h.recording = s.recording AND h.participant = s.participant WHERE s.id = ?",
                  "i", (gint64)id);
  gboolean failed = FALSE;
  if (!row)
    return FALSE;
  if (!store_step(row, &failed, error))
    return failed ? FALSE : refuse(error, VAULT_ERROR_NOT_FOUND, "no such segment");
  if (sqlite3_column_int64(row, 10) || sqlite3_column_int64(row, 9) < 0 || sqlite3_column_bytes(row, 8) != AEAD_WRAPPED_BYTES)
    return refuse(error, VAULT_ERROR_ERASED, "the segment has been erased");
  *out = (SegmentRow){.recording = sqlite3_column_int64(row, 0),
                      .request = sqlite3_column_int64(row, 1),
                      .slot = sqlite3_column_int64(row, 9),
                      .take = (guint32)sqlite3_column_int64(row, 3),
                      .seq = (guint32)sqlite3_column_int64(row, 6),
                      .session = g_strdup(store_text(row, 2)),
                      .participant = g_strdup(store_text(row, 4)),
                      .track = g_strdup(store_text(row, 5)),
                      .consent_set = g_strdup(store_text(row, 7))};
  memcpy(out->wrapped, sqlite3_column_blob(row, 8), sizeof out->wrapped);
  return TRUE;
}

static int open_file(VaultReader *reader, guint64 id) {
  char name[32];
  segment_file_name(id, name);
  int fd = openat(reader->segments_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) { /* committed, its renaming is still on its way */
    segment_part_name(id, name);
    fd = openat(reader->segments_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  }
  return fd;
}

static GByteArray *read_file(VaultReader *reader, guint64 id, GError **error) {
  int fd = open_file(reader, id);
  struct stat about;
  if (fd < 0 || fstat(fd, &about) != 0 || about.st_size > SEGMENT_BYTES_MAX) {
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the file of segment %" G_GUINT64_FORMAT " is missing or unreadable", id);
    files_close(&fd);
    return NULL;
  }
  g_autoptr(GByteArray) file = g_byte_array_new();
  g_byte_array_set_size(file, (guint)about.st_size);
  const gboolean whole = files_read_at(fd, file->data, file->len, 0, error);
  files_close(&fd);
  return whole ? g_steal_pointer(&file) : NULL;
}

/* The segment's own key, into locked memory. */
static gboolean unwrap_key(VaultReader *reader, guint64 id, const SegmentRow *row, GError **error) {
  const KeyOwner owner = {row->recording, row->session, row->participant, row->request};
  const guint8 *under = keyring_load(reader->keyring, row->slot, &owner, error);
  if (!under)
    return FALSE;
  const guint64 bound = GUINT64_TO_BE(id);
  const gboolean opened = aead_unwrap(under, &bound, sizeof bound, row->wrapped, reader->secrets->key);
  keyring_forget(reader->keyring);
  return opened || refuse(error, VAULT_ERROR_CORRUPT, "a segment's key does not open: vault.db and keys do not belong together");
}

static ClearBytes *decrypt(VaultReader *reader, guint64 id, const SegmentRow *row, GError **error) {
  g_autofree char *context =
      segment_context(row->session, (guint64)row->request, row->take, row->participant, row->track, row->seq, row->consent_set, error);
  gsize n = 0;
  if (!context || !unwrap_key(reader, id, row, error))
    return NULL;
  g_autoptr(GByteArray) file = read_file(reader, id, error);
  if (!file) {
    sodium_memzero(reader->secrets, sizeof *reader->secrets);
    return NULL;
  }
  ClearBytes *clear = chunked_plain_bytes(file->len, &n) ? g_malloc(sizeof *clear + n) : NULL;
  if (clear)
    clear->n = n;
  const gboolean opened =
      clear && chunked_open(&reader->secrets->derived, reader->secrets->key, context, strlen(context), file->data, file->len, clear->bytes);
  sodium_memzero(reader->secrets, sizeof *reader->secrets);
  if (opened)
    return clear;
  g_free(clear);
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
              "segment %" G_GUINT64_FORMAT " does not decrypt: its file or its record has been altered", id);
  return NULL;
}

/* Asked last, when everything has been read: an erase that began meanwhile wins (R11, R18, fault 36). */
static gboolean is_gone(VaultReader *reader, const SegmentRow *row) {
  return (reader->vault && erase_is_doomed(reader->vault, row->session, (guint64)row->request, row->participant)) ||
         !keyring_unchanged(reader->keyring, row->slot);
}

GBytes *vault_reader_segment_bytes(VaultReader *reader, guint64 segment, GError **error) {
  g_auto(SegmentRow) row = {0};
  g_autoptr(GError) why = NULL;
  if ((!reader->vault && !home_check(reader->dir_fd, reader->db, reader->dir, error)) || !find_segment(reader, segment, &row, error))
    return NULL;
  ClearBytes *clear = decrypt(reader, segment, &row, &why);
  if (is_gone(reader, &row)) {
    if (clear)
      clear_bytes_free(clear);
    refuse(error, VAULT_ERROR_ERASED, "the segment has been erased");
    return NULL;
  }
  if (!clear) {
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
  }
  return g_bytes_new_with_free_func(clear->bytes, clear->n, clear_bytes_free, clear);
}
