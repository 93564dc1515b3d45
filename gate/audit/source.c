/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit/source.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES   (256 * 1024)
#define BUSY_WAIT_MS 10000

G_DEFINE_QUARK(audit_error_quark, audit_error)

gboolean source_failed(const Source *source, GError **error) {
  g_set_error(error, AUDIT_ERROR, AUDIT_ERROR_STORE, "vault.db: %s", sqlite3_errmsg(source->db));
  return FALSE;
}

static gboolean open_parts(Source *source, const char *data, GError **error) {
  g_autofree char *path = g_build_filename(data, "vault.db", NULL);
  source->dir_fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (source->dir_fd < 0 || faccessat(source->dir_fd, "vault.db", R_OK, 0) != 0) {
    g_set_error(error, AUDIT_ERROR, AUDIT_ERROR_INPUT, "%s is not a data directory that can be read: give one with --data DIR", data);
    return FALSE;
  }
  source->segments_fd = openat(source->dir_fd, "segments", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* What a crash left half done is rolled back by whoever opens the database next, readers too; else query_only writes nothing. */
  if (sqlite3_open_v2(path, &source->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
    return source_failed(source, error);
  sqlite3_busy_timeout(source->db, BUSY_WAIT_MS);
  return sqlite3_exec(source->db, "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA cache_size=-4096",
                      NULL, NULL, NULL) == SQLITE_OK ||
         source_failed(source, error);
}

Source *source_new(const char *data, GError **error) {
  g_autoptr(Source) source = g_new0(Source, 1);
  source->dir_fd = source->segments_fd = -1;
  return open_parts(source, data, error) ? g_steal_pointer(&source) : NULL;
}

void source_free(Source *source) {
  if (!source)
    return;
  sqlite3_finalize(source->leaf);
  sqlite3_close(source->db);
  if (source->segments_fd >= 0)
    close(source->segments_fd);
  if (source->dir_fd >= 0)
    close(source->dir_fd);
  g_free(source);
}

sqlite3_stmt *source_query(const Source *source, GError **error, const char *sql, guint n, const gint64 *integers) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(source->db, sql, -1, &statement, NULL) != SQLITE_OK) {
    source_failed(source, error);
    return NULL;
  }
  for (guint i = 0; i < n; i++)
    sqlite3_bind_int64(statement, (int)i + 1, integers[i]);
  return statement;
}

gboolean source_step(const Source *source, sqlite3_stmt *statement, gboolean *failed, GError **error) {
  const int status = sqlite3_step(statement);
  if (status == SQLITE_ROW)
    return TRUE;
  *failed = status != SQLITE_DONE;
  if (*failed)
    source_failed(source, error);
  return FALSE;
}

char *source_leaf(Source *source, guint64 index, gsize *n, GError **error) {
  gboolean failed = FALSE;
  if (!source->leaf && !(source->leaf = source_query(source, error, "SELECT leaf FROM leaves WHERE idx = ?", 0, NULL)))
    return NULL;
  sqlite3_bind_int64(source->leaf, 1, (gint64)index);
  const gboolean there = source_step(source, source->leaf, &failed, error) && sqlite3_column_text(source->leaf, 0);
  char *text = NULL;
  if (there) {
    *n = (gsize)sqlite3_column_bytes(source->leaf, 0);
    text = g_strndup((const char *)sqlite3_column_text(source->leaf, 0), *n);
  }
  sqlite3_reset(source->leaf);
  return text;
}

gboolean source_signed(const Source *source, SourceSigned *newest, GError **error) {
  gboolean failed = FALSE;
  g_autoptr(sqlite3_stmt) row = source_query(source, error,
                                             "SELECT (SELECT coalesce(max(idx) + 1, 0) FROM leaves), (SELECT size FROM checkpoint),"
                                             " (SELECT note FROM checkpoint)",
                                             0, NULL);
  if (!row || !source_step(source, row, &failed, error))
    return FALSE;
  *newest = (SourceSigned){(guint64)sqlite3_column_int64(row, 0), (guint64)sqlite3_column_int64(row, 1),
                           g_strdup((const char *)sqlite3_column_text(row, 2))};
  return TRUE;
}

static gboolean digest_file(int fd, EVP_MD_CTX *digest, guint64 *bytes, GError **error) {
  g_autofree guint8 *buffer = g_malloc(READ_BYTES);
  gssize n;
  while ((n = read(fd, buffer, READ_BYTES)) != 0) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      g_set_error(error, AUDIT_ERROR, AUDIT_ERROR_STORE, "segments/ cannot be read: %s", g_strerror(errno));
      return FALSE;
    }
    EVP_DigestUpdate(digest, buffer, (gsize)n);
    *bytes += (guint64)n;
  }
  return TRUE;
}

gboolean source_file_sha256(const Source *source, const char *name, char hex[65], guint64 *bytes, GError **error) {
  guint8 sum[32] = {0};
  const int fd = source->segments_fd < 0 ? -1 : openat(source->segments_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return FALSE;
  EVP_MD_CTX *digest = EVP_MD_CTX_new();
  *bytes = 0;
  const gboolean read = EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 && digest_file(fd, digest, bytes, error) &&
                        EVP_DigestFinal_ex(digest, sum, NULL) == 1;
  EVP_MD_CTX_free(digest);
  close(fd);
  for (guint i = 0; i < sizeof sum; i++)
    g_snprintf(hex + 2 * i, 3, "%02x", sum[i]);
  return read;
}
