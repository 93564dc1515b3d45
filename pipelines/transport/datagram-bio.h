/* SPDX-License-Identifier: Apache-2.0 */
/* A BIO that keeps datagrams whole in both directions. OpenSSL's memory BIOs lose the bounds on output, and 3.0 has none for datagrams.
 *
 * Threads: one BIO belongs to one thread. */
#ifndef RECGATE_DATAGRAM_BIO_H
#define RECGATE_DATAGRAM_BIO_H

#include <glib.h>
#include <openssl/bio.h>

typedef void (*DatagramBioSend)(const guint8 *bytes, gsize n, gpointer user);

/* NULL without memory. mtu: the largest datagram that a flight may fill. */
BIO *datagram_bio_new(gsize mtu, DatagramBioSend send, gpointer user);
/* The next read returns these bytes once, at most n of them; then "try again". bytes must live until then or until the next set (NULL, 0). */
void datagram_bio_set_input(BIO *bio, const guint8 *bytes, gsize n);

#endif
