/* SPDX-License-Identifier: Apache-2.0 */
/* EBML: see ebml.h. */
#include "pipelines/recording/ebml.h"

#include <string.h>

#define ID_SEGMENT 0x18538067u
#define ID_CLUSTER 0x1f43b675u
#define ID_INFO    0x1549a966u

typedef struct Element {
  guint32 id;
  gsize data;     /* offset of its data */
  guint64 n_data; /* G_MAXUINT64: unknown, as of a segment that is streamed */
} Element;

static guint vint_bytes(guint8 first) {
  return first == 0 ? 0 : (guint)__builtin_clz(first) - 23;
}

static gboolean read_element(const guint8 *bytes, gsize n, gsize at, Element *element) {
  guint id_bytes = at < n ? vint_bytes(bytes[at]) : 0;
  if (id_bytes == 0 || id_bytes > 4 || n - at <= id_bytes)
    return FALSE;
  element->id = 0;
  for (guint i = 0; i < id_bytes; i++)
    element->id = element->id << 8 | bytes[at + i];
  at += id_bytes;
  guint size_bytes = vint_bytes(bytes[at]);
  if (size_bytes == 0 || n - at < size_bytes)
    return FALSE;
  guint64 value = bytes[at] & (0xffu >> size_bytes), unknown = ((guint64)1 << (7 * size_bytes)) - 1;
  for (guint i = 1; i < size_bytes; i++)
    value = value << 8 | bytes[at + i];
  element->data = at + size_bytes;
  element->n_data = value == unknown ? G_MAXUINT64 : value;
  return TRUE;
}

/* Walks top-level elements, into the segment; stops at the first of this id. */
static gboolean find(const guint8 *bytes, gsize n, guint32 id, gsize *begins, Element *element) {
  for (gsize at = 0; read_element(bytes, n, at, element);) {
    *begins = at;
    if (element->id == id)
      return TRUE;
    if (element->id == ID_SEGMENT)
      at = element->data;
    else if (element->n_data > n - element->data)
      return FALSE;
    else
      at = element->data + (gsize)element->n_data;
  }
  return FALSE;
}

gboolean ebml_header_bytes(const guint8 *bytes, gsize n, gsize *header) {
  Element cluster;
  gsize begins;
  if (!find(bytes, n, ID_CLUSTER, &begins, &cluster))
    return FALSE;
  *header = begins;
  return TRUE;
}

GByteArray *ebml_add_duration(const guint8 *header, gsize n, double duration_ms) {
  Element info;
  gsize begins;
  if (!find(header, n, ID_INFO, &begins, &info) || info.n_data > n - info.data)
    return NULL;
  guint8 duration[11] = {0x44, 0x89, 0x88}; /* Duration, a float of 8 bytes, in milliseconds as TimestampScale is 1,000,000 */
  guint64 bits, size = GUINT64_TO_BE((info.n_data + sizeof duration) | (guint64)1 << 56);
  memcpy(&bits, &duration_ms, sizeof bits);
  bits = GUINT64_TO_BE(bits);
  memcpy(duration + 3, &bits, sizeof bits);
  GByteArray *out = g_byte_array_new();
  g_byte_array_append(out, header, (guint)begins + 4);
  g_byte_array_append(out, (const guint8 *)&size, sizeof size);
  g_byte_array_append(out, header + info.data, (guint)info.n_data);
  g_byte_array_append(out, duration, sizeof duration);
  gsize rest = info.data + (gsize)info.n_data;
  g_byte_array_append(out, header + rest, (guint)(n - rest));
  return out;
}
