/* SPDX-License-Identifier: Apache-2.0 */
/* One open segment: encrypted on the recorder's thread, written on the storage thread (R17). */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "gate/ledger/ledger.h"
#include "gate/vault/files.h"
#include "gate/vault/vault-private.h"

#define WRITEBACK_BYTES (128 * 1024)

struct SegmentWriter {               /* recorder thread */
  guint8 plain[CHUNKED_CHUNK_BYTES]; /* media in clear: wiped chunk by chunk */
  gsize fill;
  guint64 chunk, bytes;
  guint8 salt[CHUNKED_SALT_BYTES], commitment[CHUNKED_COMMITMENT_BYTES];
  EVP_MD_CTX *digest;
};

typedef struct ChunkJob {
  Job job;
  VaultSegment *segment;
  gint64 offset;
  gsize n;
  guint8 bytes[];
} ChunkJob;

typedef struct SealJob {
  Job job;
  VaultSegment *segment;
  gboolean discard;
} SealJob;

VaultSegment *segment_ref(VaultSegment *segment) {
  atomic_fetch_add(&segment->references, 1);
  return segment;
}

void segment_wipe_key(VaultSegment *segment) {
  pthread_mutex_lock(&segment->lock);
  keyarena_give_back(segment->take->vault->arena, segment->cell);
  segment->cell = NULL;
  pthread_mutex_unlock(&segment->lock);
}

static void writer_free(struct SegmentWriter *writer) {
  if (!writer)
    return;
  EVP_MD_CTX_free(writer->digest);
  sodium_memzero(writer, sizeof *writer);
  g_free(writer);
}

void segment_unref(VaultSegment *segment) {
  if (!segment || atomic_fetch_sub(&segment->references, 1) != 1)
    return;
  if (segment->cell)
    segment_wipe_key(segment);
  writer_free(segment->writer);
  files_close(&segment->fd);
  pthread_mutex_destroy(&segment->lock);
  g_free(segment->participant);
  g_free(segment->track);
  g_free(segment->medium);
  g_free(segment->codec);
  vault_take_unref(segment->take);
  g_free(segment);
}

void segment_part_name(guint64 id, char name[32]) {
  g_snprintf(name, 32, "%016" G_GINT64_MODIFIER "x.part", id);
}
void segment_file_name(guint64 id, char name[32]) {
  g_snprintf(name, 32, "%016" G_GINT64_MODIFIER "x.seg", id);
}

char *segment_context(const char *session, guint64 request, guint32 take, const char *participant, const char *track, guint32 seq,
                      const char *consent_set, GError **error) {
  json_t *context =
      json_pack("{s:s, s:I, s:I, s:s, s:s, s:I, s:s}", "session", session, "request", (json_int_t)request, "take", (json_int_t)take,
                "participant", participant, "track", track, "seq", (json_int_t)seq, "consent_set", consent_set);
  char *text = ledger_canonical_json(context, error);
  json_decref(context);
  return text;
}

/* --- recorder thread --- */

static gboolean segment_begin_key(VaultSegment *segment) {
  const VaultTake *take = segment->take;
  struct SegmentWriter *writer = segment->writer;
  g_autofree char *context = segment_context(take->session, take->request, take->number, segment->participant, segment->track, segment->seq,
                                             take->consent_set, NULL);
  if (!context || !writer->digest || !EVP_DigestInit_ex(writer->digest, EVP_sha256(), NULL))
    return FALSE;
  segment->cell = keyarena_take(take->vault->arena);
  if (!segment->cell)
    return FALSE;
  randombytes_buf(segment->cell->input_key, sizeof segment->cell->input_key);
  randombytes_buf(writer->salt, sizeof writer->salt);
  if (!chunked_derive(&segment->cell->derived, segment->cell->input_key, writer->salt, context, strlen(context)))
    return FALSE;
  memcpy(writer->commitment, segment->cell->derived.commitment, sizeof writer->commitment);
  return TRUE;
}

VaultSegment *vault_segment_new(VaultTake *take, const VaultSegmentInfo *info) {
  if (vault_take_is_dead(take) || atomic_load(&take->failed))
    return NULL;
  VaultSegment *segment = g_new0(VaultSegment, 1);
  segment->references = 1;
  segment->fd = -1;
  segment->take = vault_take_ref(take);
  segment->id = atomic_fetch_add(&take->vault->next_segment, 1);
  segment->participant = g_strdup(info->participant);
  segment->track = g_strdup(info->track);
  segment->medium = g_strdup(info->medium);
  segment->codec = g_strdup(info->codec);
  segment->seq = info->seq;
  segment->continues = info->continues;
  pthread_mutex_init(&segment->lock, NULL);
  segment->writer = g_new0(struct SegmentWriter, 1);
  segment->writer->digest = EVP_MD_CTX_new();
  if (!segment_begin_key(segment)) {
    vault_take_fail(take, "no room for another segment's key");
    segment_unref(segment);
    return NULL;
  }
  if (!take_add(take, segment)) {
    segment_unref(segment);
    return NULL;
  }
  return segment;
}

static gboolean chunk_encrypt(VaultSegment *segment, guint8 *out) {
  struct SegmentWriter *writer = segment->writer;
  pthread_mutex_lock(&segment->lock);
  const gboolean sealed = segment->cell && chunked_seal(&segment->cell->derived, writer->chunk, writer->plain, writer->fill, out);
  pthread_mutex_unlock(&segment->lock);
  sodium_memzero(writer->plain, writer->fill);
  writer->fill = 0;
  return sealed;
}

static void chunk_run(Vault *vault, Job *job);
static void chunk_cancel(Vault *vault, Job *job);

static VaultWrite segment_send_chunk(VaultSegment *segment) {
  struct SegmentWriter *writer = segment->writer;
  VaultTake *take = segment->take;
  const gsize header = writer->chunk == 0 ? CHUNKED_HEADER_BYTES : 0, n = header + writer->fill + AEAD_TAG_BYTES;
  if (atomic_fetch_add(&take->vault->queued_bytes, n) + n > VAULT_QUEUE_BYTES_MAX) {
    atomic_fetch_sub(&take->vault->queued_bytes, n);
    vault_take_fail(take, "the disk does not keep up");
    return VAULT_WRITE_FULL;
  }
  ChunkJob *chunk = g_malloc(sizeof *chunk + n);
  *chunk = (ChunkJob){.job = {.run = chunk_run, .cancel = chunk_cancel, .not_before_us = storage_now_us() + STORAGE_COMPANY_US},
                      .segment = segment_ref(segment),
                      .offset = (gint64)writer->bytes,
                      .n = n};
  memcpy(chunk->bytes, writer->salt, MIN(header, sizeof writer->salt));
  if (header)
    memcpy(chunk->bytes + CHUNKED_SALT_BYTES, writer->commitment, sizeof writer->commitment);
  if (!chunk_encrypt(segment, chunk->bytes + header) || !EVP_DigestUpdate(writer->digest, chunk->bytes, n)) {
    chunk_cancel(take->vault, &chunk->job);
    return vault_take_is_dead(take) ? VAULT_WRITE_DEAD : VAULT_WRITE_FAILED;
  }
  writer->chunk++;
  writer->bytes += n;
  return vault_push(take->vault, LANE_MEDIA, &chunk->job) ? VAULT_WRITE_OK : VAULT_WRITE_FAILED;
}

VaultWrite vault_segment_write(VaultSegment *segment, const guint8 *bytes, gsize n) {
  struct SegmentWriter *writer = segment->writer;
  while (n) {
    if (vault_take_is_dead(segment->take))
      return VAULT_WRITE_DEAD;
    if (atomic_load(&segment->take->failed))
      return VAULT_WRITE_FAILED;
    const gsize here = MIN(n, CHUNKED_CHUNK_BYTES - writer->fill);
    memcpy(writer->plain + writer->fill, bytes, here);
    writer->fill += here;
    bytes += here;
    n -= here;
    const VaultWrite sent = writer->fill == CHUNKED_CHUNK_BYTES ? segment_send_chunk(segment) : VAULT_WRITE_OK;
    if (sent != VAULT_WRITE_OK)
      return sent;
  }
  return vault_take_is_dead(segment->take) ? VAULT_WRITE_DEAD : VAULT_WRITE_OK;
}

static void seal_run(Vault *vault, Job *job);
static void seal_cancel(Vault *vault, Job *job);

/* Ends the recorder's ownership: the rest happens on the storage thread, behind this segment's last chunk. */
static void segment_hand_over(VaultSegment *segment, gboolean discard) {
  writer_free(segment->writer);
  segment->writer = NULL;
  SealJob *seal = g_new0(SealJob, 1);
  *seal = (SealJob){.job = {.run = seal_run, .cancel = seal_cancel}, .segment = segment, .discard = discard};
  vault_push(segment->take->vault, LANE_MEDIA, &seal->job);
}

void vault_segment_discard(VaultSegment *segment) {
  if (!segment)
    return;
  segment_wipe_key(segment);
  segment_hand_over(segment, TRUE);
}

static gboolean segment_finish(VaultSegment *segment) {
  struct SegmentWriter *writer = segment->writer;
  guint8 digest[32];
  if (vault_take_is_dead(segment->take) || (writer->chunk == 0 && writer->fill == 0) || segment_send_chunk(segment) != VAULT_WRITE_OK ||
      !EVP_DigestFinal_ex(writer->digest, digest, NULL))
    return FALSE;
  sodium_bin2hex(segment->sha256, sizeof segment->sha256, digest, sizeof digest);
  segment->bytes = writer->bytes;
  return TRUE;
}

void vault_segment_seal(VaultSegment *segment, gint64 start_us, gint64 end_us) {
  const gint64 boot_us = storage_now_us(), wall_ms = state_wall_ms();
  segment->start_at = wall_ms - (boot_us - start_us) / 1000;
  segment->end_at = wall_ms - (boot_us - end_us) / 1000;
  segment->first_packet_us = start_us;
  segment->last_packet_us = end_us;
  if (start_us > end_us)
    g_warning("event=segment_undated segment=%" G_GUINT64_FORMAT, segment->id);
  if (start_us <= end_us && segment_finish(segment))
    segment_hand_over(segment, FALSE);
  else
    vault_segment_discard(segment);
}

/* --- storage thread --- */

static void chunk_cancel(Vault *vault, Job *job) {
  ChunkJob *chunk = (ChunkJob *)job;
  atomic_fetch_sub(&vault->queued_bytes, chunk->n);
  segment_unref(chunk->segment);
  g_free(chunk);
}

static gboolean segment_open_file(Vault *vault, VaultSegment *segment) {
  if (segment->fd >= 0)
    return TRUE;
  char name[32];
  segment_part_name(segment->id, name);
  segment->fd = openat(vault->segments_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  segment->has_file |= segment->fd >= 0;
  vault->segments_dirty |= segment->fd >= 0;
  return segment->fd >= 0;
}

/* So that the sync at the end of the segment, which an erase may have to wait for, is short; not chunk by chunk: each is a request to the disk. */
static void segment_begin_writeback(VaultSegment *segment, gint64 end) {
  if (end - segment->writeback < WRITEBACK_BYTES)
    return;
  sync_file_range(segment->fd, segment->writeback, end - segment->writeback, SYNC_FILE_RANGE_WRITE);
  segment->writeback = end;
}

static void chunk_run(Vault *vault, Job *job) {
  ChunkJob *chunk = (ChunkJob *)job;
  VaultSegment *segment = chunk->segment;
  if (!segment->broken && !vault_take_is_dead(segment->take)) {
    if (segment_open_file(vault, segment) && files_write_at(segment->fd, chunk->bytes, chunk->n, chunk->offset, NULL)) {
      segment_begin_writeback(segment, chunk->offset + (gint64)chunk->n);
    } else {
      const int code = errno;
      segment->broken = TRUE;
      health_from_errno(vault, code, "a segment could not be written");
      vault_take_fail(segment->take, g_strerror(code));
    }
  }
  chunk_cancel(vault, job);
}

gboolean vault_sync_segments(Vault *vault) {
  if (!vault->segments_dirty)
    return TRUE;
  vault->segments_dirty = FALSE;
  if (fsync(vault->segments_fd) == 0)
    return TRUE;
  health_set(vault, HEALTH_FSYNC, g_strerror(errno));
  return FALSE;
}

void segment_forget_file(Vault *vault, VaultSegment *segment) {
  segment_wipe_key(segment);
  files_close(&segment->fd);
  segment->broken = TRUE; /* chunks that are still queued make no new file */
  if (!segment->has_file)
    return;
  char name[32];
  segment_part_name(segment->id, name);
  unlinkat(vault->segments_fd, name, 0);
  segment->has_file = FALSE;
  vault->segments_dirty = TRUE;
}

static void seal_cancel(Vault *vault, Job *job) {
  (void)vault;
  SealJob *seal = (SealJob *)job;
  take_remove(seal->segment->take, seal->segment);
  segment_unref(seal->segment);
  g_free(seal);
}

static gboolean segment_sync(Vault *vault, VaultSegment *segment) {
  if (segment->broken || segment->fd < 0)
    return FALSE;
  if (fdatasync(segment->fd) != 0) {
    const int code = errno;
    health_set(vault, code == ENOSPC || code == EDQUOT ? HEALTH_SPACE | HEALTH_FSYNC : HEALTH_FSYNC, g_strerror(code));
    vault_take_fail(segment->take, g_strerror(code));
    return FALSE;
  }
  files_close(&segment->fd);
  if (vault_sync_segments(vault))
    return TRUE;
  vault_take_fail(segment->take, "a directory could not be synced");
  return FALSE;
}

static void seal_run(Vault *vault, Job *job) {
  SealJob *seal = (SealJob *)job;
  VaultSegment *segment = seal->segment;
  if (vault_take_is_dead(segment->take)) { /* the take's own forgetting sees to it */
    segment_unref(segment);
    g_free(seal);
    return;
  }
  if (!seal->discard && segment_sync(vault, segment)) {
    g_hash_table_insert(vault->sealed, &segment->id, segment); /* the recorder's reference becomes the table's */
    vault_tell_sealed(vault, segment);
  } else if (segment->has_file) {
    g_hash_table_insert(vault->sealed, &segment->id, segment);
    vault_drop(vault, segment->id, seal->discard ? "discarded" : "storage");
  } else {
    take_remove(segment->take, segment);
    segment_unref(segment);
  }
  g_free(seal);
}
