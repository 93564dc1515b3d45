/* SPDX-License-Identifier: Apache-2.0 */
/* The permit of a session, and the ring between a worker and a recorder. See tap.h. */
#include "pipelines/relay/tap.h"
#include "pipelines/transport/worker.h"

#include <stdalign.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_BYTES_MIN 4096
#define RING_BYTES_MAX (1u << 30)

void tap_gate_permit(TapGate *gate, guint32 take, gint64 from_us, gint64 until_us) {
  g_return_if_fail(take != 0);
  if (atomic_load(&gate->take) != take) {
    atomic_store(&gate->take, 0); /* closed in between: no take has another's limits for a moment */
    atomic_store(&gate->from_us, from_us);
  }
  atomic_store(&gate->until_us, until_us);
  atomic_store(&gate->take, take);
}

void tap_gate_revoke(TapGate *gate) {
  atomic_store(&gate->take, 0);
}

guint32 tap_admit(TapGate *gate, gint64 since_us, gint64 now_us) {
  guint32 take = atomic_load(&gate->take);
  gint64 from_us = atomic_load(&gate->from_us), until_us = atomic_load(&gate->until_us);

  /* Read again, so that an old take is never let in by the limits of its successor, nor one revoked meanwhile (R11). */
  if (take == 0 || since_us < from_us || atomic_load(&gate->take) != take) {
    atomic_fetch_add_explicit(&gate->refused_closed, 1, memory_order_relaxed);
    return 0;
  }
  if (now_us >= until_us) {
    atomic_fetch_add_explicit(&gate->refused_expired, 1, memory_order_relaxed);
    return 0;
  }
  atomic_fetch_add_explicit(&gate->admitted, 1, memory_order_relaxed);
  return take;
}

/* One entry of the ring. span_bytes counts the entry and its bytes, a multiple of 8; type NONE marks the unused end before a wrap. */
typedef struct RingEntry {
  guint64 span_bytes;
  TapRecord record;
} RingEntry;

struct TapRing {
  guint8 *memory;
  gsize bytes; /* a power of two */
  int event_fd;

  /* Positions only grow; their place in memory is position & (bytes - 1). Each side has a cache line of its own. */
  alignas(CACHE_LINE_BYTES) _Atomic guint64 written;
  guint64 read_seen; /* producer's last look at `read` */
  gboolean unannounced;
  _Atomic guint64 refused;

  alignas(CACHE_LINE_BYTES) _Atomic guint64 read;
  gsize lent_bytes; /* consumer: span of the record that the last pop lent out */
};

static gsize ring_round_up(gsize bytes) {
  gsize size = RING_BYTES_MIN;
  while (size < bytes && size < RING_BYTES_MAX)
    size *= 2;
  return size;
}

TapRing *tap_ring_new(gsize bytes) {
  gsize size = ring_round_up(bytes);
  guint8 *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0); /* no page fault in the packet path */
  if (memory == MAP_FAILED)
    return NULL;
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    munmap(memory, size);
    return NULL;
  }
  madvise(memory, size, MADV_DONTDUMP); /* R18: what is in flight is in no core file either */

  TapRing *ring = g_aligned_alloc0(1, sizeof *ring, CACHE_LINE_BYTES);
  ring->memory = memory;
  ring->bytes = size;
  ring->event_fd = fd;
  return ring;
}

void tap_ring_free(TapRing *ring) {
  if (ring == NULL)
    return;
  munmap(ring->memory, ring->bytes);
  close(ring->event_fd);
  g_aligned_free(ring);
}

static gsize ring_free_bytes(TapRing *ring, guint64 written, gsize wanted) {
  if (ring->bytes - (written - ring->read_seen) < wanted)
    ring->read_seen = atomic_load_explicit(&ring->read, memory_order_acquire);
  return ring->bytes - (written - ring->read_seen);
}

gboolean tap_ring_push(TapRing *ring, const TapRecord *record, const guint8 *bytes) {
  guint64 written = atomic_load_explicit(&ring->written, memory_order_relaxed);
  gsize at = written & (ring->bytes - 1), to_end = ring->bytes - at;
  gsize span = (sizeof(RingEntry) + (gsize)record->n_bytes + 7) & ~(gsize)7;
  gsize skipped = span > to_end ? to_end : 0; /* a record lies in one piece */

  if (ring_free_bytes(ring, written, span + skipped) < span + skipped) {
    atomic_fetch_add_explicit(&ring->refused, 1, memory_order_relaxed);
    return FALSE;
  }
  if (skipped > 0) {
    /* Too small an end has no room for an entry; the consumer knows that by its size alone. */
    if (skipped >= sizeof(RingEntry))
      *(RingEntry *)(ring->memory + at) = (RingEntry){.span_bytes = skipped};
    at = 0;
  }
  RingEntry *entry = (RingEntry *)(ring->memory + at);
  entry->span_bytes = span;
  entry->record = *record;
  if (record->n_bytes > 0)
    memcpy(entry + 1, bytes, record->n_bytes);
  ring->unannounced = TRUE;
  atomic_store_explicit(&ring->written, written + skipped + span, memory_order_release);
  return TRUE;
}

void tap_ring_wake(TapRing *ring) {
  if (!ring->unannounced)
    return;
  ring->unannounced = FALSE;
  guint64 one = 1;
  ssize_t n = write(ring->event_fd, &one, sizeof one);
  (void)n; /* fails only at 2^64 - 1 unread wakes: the consumer is awake then */
}

/* Gives back what the last pop lent. It is wiped: no media stays behind in the ring after it was used (R18, fault 34). */
static guint64 ring_give_back(TapRing *ring) {
  guint64 read = atomic_load_explicit(&ring->read, memory_order_relaxed);
  if (ring->lent_bytes == 0)
    return read;
  explicit_bzero(ring->memory + (read & (ring->bytes - 1)), ring->lent_bytes);
  read += ring->lent_bytes;
  ring->lent_bytes = 0;
  atomic_store_explicit(&ring->read, read, memory_order_release);
  return read;
}

gboolean tap_ring_pop(TapRing *ring, TapRecord *record, const guint8 **bytes) {
  guint64 read = ring_give_back(ring);
  if (atomic_load_explicit(&ring->written, memory_order_acquire) == read)
    return FALSE;

  gsize at = read & (ring->bytes - 1), to_end = ring->bytes - at;
  const RingEntry *entry = (const RingEntry *)(ring->memory + at);
  if (to_end < sizeof(RingEntry) || entry->record.type == TAP_RECORD_NONE) {
    ring->lent_bytes = to_end;
    ring_give_back(ring); /* the end before a wrap; its successor was published with it */
    entry = (const RingEntry *)ring->memory;
  }
  ring->lent_bytes = entry->span_bytes;
  *record = entry->record;
  *bytes = (const guint8 *)(entry + 1);
  return TRUE;
}

guint64 tap_ring_refused(TapRing *ring) {
  return atomic_load_explicit(&ring->refused, memory_order_relaxed);
}

guint64 tap_ring_written(TapRing *ring) {
  return atomic_load_explicit(&ring->written, memory_order_acquire);
}

gboolean tap_ring_passed(TapRing *ring, guint64 written) {
  return atomic_load_explicit(&ring->read, memory_order_relaxed) + ring->lent_bytes >= written;
}

int tap_ring_fd(const TapRing *ring) {
  return ring->event_fd;
}
