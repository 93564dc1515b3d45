/* SPDX-License-Identifier: Apache-2.0 */
/* A locked list and a GSource that empties it. */
#include "gate/vault/delivery.h"

#include <pthread.h>

struct Delivery {
  pthread_mutex_t lock;
  Parcel *first, **end;
  GMainContext *control;
  GSource *source;
};

typedef struct DeliverySource {
  GSource source;
  Delivery *delivery;
} DeliverySource;

static gboolean delivery_waiting(Delivery *delivery) {
  pthread_mutex_lock(&delivery->lock);
  const gboolean waiting = delivery->first != NULL;
  pthread_mutex_unlock(&delivery->lock);
  return waiting;
}

static gboolean source_prepare(GSource *source, gint *timeout_ms) {
  *timeout_ms = -1;
  return delivery_waiting(((DeliverySource *)source)->delivery);
}

static gboolean source_check(GSource *source) {
  return delivery_waiting(((DeliverySource *)source)->delivery);
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer user) {
  (void)callback;
  (void)user;
  delivery_flush(((DeliverySource *)source)->delivery);
  return G_SOURCE_CONTINUE;
}

Delivery *delivery_new(GMainContext *control) {
  static GSourceFuncs functions = {.prepare = source_prepare, .check = source_check, .dispatch = source_dispatch};
  Delivery *delivery = g_new0(Delivery, 1);
  pthread_mutex_init(&delivery->lock, NULL);
  delivery->end = &delivery->first;
  delivery->control = g_main_context_ref(control ? control : g_main_context_default());
  delivery->source = g_source_new(&functions, sizeof(DeliverySource));
  ((DeliverySource *)delivery->source)->delivery = delivery;
  g_source_set_priority(delivery->source, G_PRIORITY_HIGH);
  g_source_attach(delivery->source, delivery->control);
  return delivery;
}

void delivery_post(Delivery *delivery, Parcel *parcel) {
  parcel->next = NULL;
  pthread_mutex_lock(&delivery->lock);
  *delivery->end = parcel;
  delivery->end = &parcel->next;
  pthread_mutex_unlock(&delivery->lock);
  g_main_context_wakeup(delivery->control);
}

gboolean delivery_flush(Delivery *delivery) {
  pthread_mutex_lock(&delivery->lock);
  Parcel *parcel = delivery->first;
  delivery->first = NULL;
  delivery->end = &delivery->first;
  pthread_mutex_unlock(&delivery->lock);
  const gboolean any = parcel != NULL;
  while (parcel) {
    Parcel *next = parcel->next;
    parcel->deliver(parcel);
    parcel = next;
  }
  return any;
}

void delivery_free(Delivery *delivery) {
  if (!delivery)
    return;
  g_source_destroy(delivery->source);
  g_source_unref(delivery->source);
  g_main_context_unref(delivery->control);
  pthread_mutex_destroy(&delivery->lock);
  g_free(delivery);
}
