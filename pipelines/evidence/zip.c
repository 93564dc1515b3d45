/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/evidence/zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <sodium.h>
#include <string.h>

#include "pipelines/evidence/bundle.h"

#define FILES_MAX   64 /* a bundle has nine */
#define PIECE_BYTES (64 * 1024)

struct ZipWriter {
  struct archive *archive;
  GByteArray *bytes;
  gint64 wall_s;
  json_t *files;
  char *name; /* of the file that is open */
  guint64 n_bytes, n_total;
  crypto_hash_sha256_state hash;
};

static gboolean failed(struct archive *archive, GError **error) {
  g_set_error(error, BUNDLE_ERROR, BUNDLE_ERROR_ARCHIVE, "zip: %s", archive_error_string(archive));
  return FALSE;
}

static la_ssize_t take(struct archive *archive, void *user, const void *bytes, size_t n) {
  ZipWriter *writer = user;
  if (writer->bytes->len + n > BUNDLE_BYTES_MAX) {
    archive_set_error(archive, ENOSPC, "larger than a bundle may be");
    return -1;
  }
  g_byte_array_append(writer->bytes, bytes, (guint)n);
  return (la_ssize_t)n;
}

ZipWriter *zip_writer_new(gint64 wall_s, GError **error) {
  g_autoptr(ZipWriter) writer = g_new0(ZipWriter, 1);
  writer->archive = archive_write_new();
  writer->bytes = g_byte_array_new();
  writer->files = json_object();
  writer->wall_s = wall_s;
  if (archive_write_set_format_zip(writer->archive) == ARCHIVE_OK &&
      archive_write_set_bytes_in_last_block(writer->archive, 1) == ARCHIVE_OK &&
      archive_write_open(writer->archive, writer, NULL, take, NULL) == ARCHIVE_OK)
    return g_steal_pointer(&writer);
  failed(writer->archive, error);
  return NULL;
}

void zip_writer_free(ZipWriter *writer) {
  if (!writer)
    return;
  archive_write_free(writer->archive);
  g_clear_pointer(&writer->bytes, g_byte_array_unref);
  json_decref(writer->files);
  g_free(writer->name);
  g_free(writer);
}

gboolean zip_begin(ZipWriter *writer, const char *name, GError **error) {
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, name);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  archive_entry_set_mtime(entry, writer->wall_s, 0);
  const int status = archive_write_header(writer->archive, entry);
  archive_entry_free(entry);
  writer->name = g_strdup(name);
  writer->n_bytes = 0;
  crypto_hash_sha256_init(&writer->hash);
  return status == ARCHIVE_OK || failed(writer->archive, error);
}

gboolean zip_data(ZipWriter *writer, const void *bytes, gsize n, GError **error) {
  writer->n_total += n;
  if (writer->n_total > BUNDLE_BYTES_MAX) {
    g_set_error_literal(error, BUNDLE_ERROR, BUNDLE_ERROR_ARCHIVE, "the session is larger than a bundle may be");
    return FALSE;
  }
  if (archive_write_data(writer->archive, bytes, n) != (la_ssize_t)n)
    return failed(writer->archive, error);
  writer->n_bytes += n;
  crypto_hash_sha256_update(&writer->hash, bytes, n);
  return TRUE;
}

gboolean zip_end(ZipWriter *writer, GError **error) {
  guint8 digest[crypto_hash_sha256_BYTES];
  char hex[2 * sizeof digest + 1];
  if (archive_write_finish_entry(writer->archive) != ARCHIVE_OK)
    return failed(writer->archive, error);
  crypto_hash_sha256_final(&writer->hash, digest);
  json_object_set_new(
      writer->files, writer->name,
      json_pack("{s:I, s:s}", "bytes", (json_int_t)writer->n_bytes, "sha256", sodium_bin2hex(hex, sizeof hex, digest, sizeof digest)));
  g_clear_pointer(&writer->name, g_free);
  return TRUE;
}

gboolean zip_file(ZipWriter *writer, const char *name, const char *text, GError **error) {
  return zip_begin(writer, name, error) && zip_data(writer, text, strlen(text), error) && zip_end(writer, error);
}

const json_t *zip_files(const ZipWriter *writer) {
  return writer->files;
}

GBytes *zip_finish(ZipWriter *writer, GError **error) {
  if (archive_write_close(writer->archive) != ARCHIVE_OK) {
    failed(writer->archive, error);
    return NULL;
  }
  return g_byte_array_free_to_bytes(g_steal_pointer(&writer->bytes));
}

/* --- reading --- */

static gboolean refuse(GError **error, const char *why) {
  g_set_error(error, BUNDLE_ERROR, BUNDLE_ERROR_ARCHIVE, "this is not an evidence bundle: %s", why);
  return FALSE;
}

static GBytes *read_entry(struct archive *archive, gsize *left, GError **error) {
  g_autoptr(GByteArray) file = g_byte_array_new();
  g_autofree guint8 *piece = g_malloc(PIECE_BYTES);
  la_ssize_t n;
  while ((n = archive_read_data(archive, piece, PIECE_BYTES)) > 0) {
    if ((gsize)n > *left) {
      refuse(error, "it unpacks to more than a bundle may");
      return NULL;
    }
    *left -= (gsize)n;
    g_byte_array_append(file, piece, (guint)n);
  }
  if (n == 0)
    return g_byte_array_free_to_bytes(g_steal_pointer(&file));
  failed(archive, error);
  return NULL;
}

static gboolean read_all(struct archive *archive, GHashTable *files, gsize left, GError **error) {
  struct archive_entry *entry;
  int status;
  while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
    const char *name = archive_entry_pathname(entry);
    if (!name || strchr(name, '/') || archive_entry_filetype(entry) != AE_IFREG)
      return refuse(error, "it holds something else than files");
    if (g_hash_table_contains(files, name) || g_hash_table_size(files) >= FILES_MAX)
      return refuse(error, "a file in it comes twice, or there are too many");
    g_autofree char *key = g_strdup(name);
    GBytes *bytes = read_entry(archive, &left, error);
    if (!bytes)
      return FALSE;
    g_hash_table_insert(files, g_steal_pointer(&key), bytes);
  }
  return status == ARCHIVE_EOF || failed(archive, error);
}

GHashTable *zip_read(const guint8 *bytes, gsize n, gsize bytes_max, GError **error) {
  struct archive *archive = archive_read_new();
  g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  const gboolean opened =
      archive_read_support_format_zip(archive) == ARCHIVE_OK && archive_read_open_memory(archive, bytes, n) == ARCHIVE_OK;
  const gboolean whole = opened ? read_all(archive, files, bytes_max, error) : failed(archive, error);
  archive_read_free(archive);
  return whole ? g_steal_pointer(&files) : NULL;
}
