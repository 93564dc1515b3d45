/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/datagram-bio.h"

#include <string.h>

typedef struct DatagramBio {
  gsize mtu;
  DatagramBioSend send;
  gpointer user;
  const guint8 *input;
  gsize input_bytes;
} DatagramBio;

static int bio_write(BIO *bio, const char *bytes, int n) {
  const DatagramBio *self = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (n <= 0)
    return 0;
  self->send((const guint8 *)bytes, (gsize)n, self->user);
  return n; /* a datagram that the network does not take is one that was lost */
}

static int bio_read(BIO *bio, char *bytes, int room) {
  DatagramBio *self = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (self->input == NULL || room <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  gsize n = MIN(self->input_bytes, (gsize)room);
  memcpy(bytes, self->input, n);
  self->input = NULL;
  return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  const DatagramBio *self = BIO_get_data(bio);
  if (command == BIO_CTRL_FLUSH)
    return 1;
  if (command == BIO_CTRL_DGRAM_QUERY_MTU || command == BIO_CTRL_DGRAM_GET_FALLBACK_MTU)
    return (long)self->mtu;
  return 0;
}

static int bio_destroy(BIO *bio) {
  g_free(BIO_get_data(bio));
  BIO_set_data(bio, NULL);
  return 1;
}

static BIO_METHOD *bio_method(void) {
  static gsize once;
  if (g_once_init_enter(&once)) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "recgate datagram");
    if (method != NULL) {
      BIO_meth_set_write(method, bio_write);
      BIO_meth_set_read(method, bio_read);
      BIO_meth_set_ctrl(method, bio_ctrl);
      BIO_meth_set_destroy(method, bio_destroy);
    }
    g_once_init_leave(&once, method != NULL ? (gsize)method : 1);
  }
  return once == 1 ? NULL : (BIO_METHOD *)once;
}

BIO *datagram_bio_new(gsize mtu, DatagramBioSend send, gpointer user) {
  BIO_METHOD *method = bio_method();
  BIO *bio = method != NULL ? BIO_new(method) : NULL;
  if (bio == NULL)
    return NULL;
  DatagramBio *self = g_new0(DatagramBio, 1);
  self->mtu = mtu;
  self->send = send;
  self->user = user;
  BIO_set_data(bio, self);
  BIO_set_init(bio, 1);
  return bio;
}

void datagram_bio_set_input(BIO *bio, const guint8 *bytes, gsize n) {
  DatagramBio *self = BIO_get_data(bio);
  self->input = bytes;
  self->input_bytes = n;
}
