/* SPDX-License-Identifier: Apache-2.0 */
/* Answers and events on their way to the control thread's main context.
 *
 * Threads: delivery_post any; the rest control. pthread primitives, so that TSan can follow the handover. */
#ifndef RECGATE_VAULT_DELIVERY_H
#define RECGATE_VAULT_DELIVERY_H

#include <glib.h>

typedef struct Delivery Delivery;
typedef struct Parcel Parcel;
struct Parcel { /* embedded first in what is sent */
  Parcel *next;
  void (*deliver)(Parcel *parcel); /* control thread; frees it */
};

Delivery *delivery_new(GMainContext *control);
void delivery_post(Delivery *delivery, Parcel *parcel);
/* Delivers now what has been posted; FALSE: there was nothing. */
gboolean delivery_flush(Delivery *delivery);
void delivery_free(Delivery *delivery);

#endif
