/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: see layers.h. */
#include "pipelines/recording/layers.h"

#define CAME_BITS 64 /* what is missing for so many packets is lost: no retransmission came */

void layers_init(Layers *layers, gboolean simulcast) {
  *layers = (Layers){.max = simulcast ? LAYERS_MAX : 1, .current = LAYERS_NONE, .next = LAYERS_NONE};
}

gboolean layers_sends(const Layers *layers, gint index, gint64 now_us) {
  return layers->all[index].used && now_us - layers->all[index].last_us < LAYERS_SILENT_US;
}

static gboolean is_complete(const Layers *layers, gint index, gint64 now_us) {
  const Layer *layer = &layers->all[index];
  return layers_sends(layers, index, now_us) && now_us - MAX(layer->since_us, layer->lost_us) >= LAYERS_STEADY_US;
}

static gboolean is_better(const Layer *a, const Layer *b) {
  if (a->pixels != 0 && b->pixels != 0)
    return a->pixels > b->pixels;
  return 2 * a->rate_bytes > 3 * b->rate_bytes;
}

gint layers_find(const Layers *layers, guint32 ssrc) {
  for (gint i = 0; i < (gint)layers->max; i++)
    if (layers->all[i].used && layers->all[i].ssrc == ssrc)
      return i;
  return LAYERS_NONE;
}

/* The layer of this SSRC, else a free one, else the one that has been silent for longest. */
static gint place_of(const Layers *layers, guint32 ssrc, gint64 now_us) {
  gint oldest = LAYERS_NONE, known = layers_find(layers, ssrc);
  if (known != LAYERS_NONE)
    return known;
  for (gint i = 0; i < (gint)layers->max; i++) {
    if (!layers->all[i].used)
      return i;
    if (oldest == LAYERS_NONE || layers->all[i].last_us < layers->all[oldest].last_us)
      oldest = i;
  }
  return layers->max == 1 || now_us - layers->all[oldest].last_us >= LAYERS_GONE_US ? oldest : LAYERS_NONE;
}

static void begin(Layers *layers, gint index, guint32 ssrc, guint16 seq, gint64 now_us) {
  layers->all[index] = (Layer){.used = TRUE,
                               .ssrc = ssrc,
                               .since_us = now_us,
                               .last_us = now_us,
                               .second_us = now_us,
                               .lost_us = now_us - LAYERS_STEADY_US,
                               .highest = ((gint64)1 << 32) + seq,
                               .came = G_MAXUINT64};
  layers->next = layers->next == index ? LAYERS_NONE : layers->next;
  if (layers->current == index)
    layers->current = LAYERS_NONE;
  if (layers->current == LAYERS_NONE && layers->began_us == 0)
    layers->began_us = now_us;
  if (layers->max == 1)
    layers->current = index;
}

static void count(Layer *layer, guint16 seq, gint64 now_us) {
  const gint step = (gint16)(guint16)(seq - (guint16)layer->highest);
  if (step <= 0) {
    if (step > -CAME_BITS)
      layer->came |= (guint64)1 << -step;
    return;
  }
  if (step >= CAME_BITS || (~layer->came >> (CAME_BITS - step)) != 0)
    layer->lost_us = now_us;
  layer->came = step >= CAME_BITS ? G_MAXUINT64 : layer->came << step | 1;
  layer->highest += step;
}

gint layers_packet(Layers *layers, guint32 ssrc, guint16 seq, gsize n_bytes, gint64 now_us, gboolean *fresh) {
  const gint index = place_of(layers, ssrc, now_us);
  *fresh = FALSE;
  if (index == LAYERS_NONE)
    return LAYERS_NONE;
  Layer *layer = &layers->all[index];
  *fresh = !layer->used || layer->ssrc != ssrc;
  if (*fresh)
    begin(layers, index, ssrc, seq, now_us);
  else
    count(layer, seq, now_us);
  if (now_us - layer->last_us >= LAYERS_STEADY_US)
    layer->since_us = now_us;
  layer->last_us = MAX(layer->last_us, now_us);
  layer->bytes += n_bytes;
  if (now_us - layer->second_us >= G_USEC_PER_SEC) {
    layer->rate_bytes = layer->bytes;
    layer->bytes = 0;
    layer->second_us = now_us;
  }
  return index;
}

void layers_keyframe(Layers *layers, gint index, guint32 pixels, gint64 now_us) {
  Layer *layer = &layers->all[index];
  layer->keyed = TRUE;
  layer->keyframe_us = now_us;
  if (pixels != 0)
    layer->pixels = pixels;
}

/* Before the take's first picture: is a better one on its way, or may one be? */
static gboolean waits_for_other(const Layers *layers, gint index, gint64 now_us) {
  for (gint i = 0; i < (gint)layers->max; i++) {
    const Layer *other = &layers->all[i];
    if (i == index || !layers_sends(layers, i, now_us))
      continue;
    if (other->keyed ? now_us - other->keyframe_us < LAYERS_STEADY_US && is_better(other, &layers->all[index])
                     : now_us - layers->began_us < LAYERS_FIRST_US)
      return TRUE;
  }
  return FALSE;
}

gboolean layers_adopt(Layers *layers, gint index, gint64 now_us) {
  if (layers->current == LAYERS_NONE ? waits_for_other(layers, index, now_us) : index != layers->current && index != layers->next)
    return FALSE;
  layers->current = index;
  layers->next = LAYERS_NONE;
  layers->broken = FALSE;
  return TRUE;
}

void layers_break(Layers *layers, gint64 now_us) {
  if (!layers->broken)
    layers->broken_us = now_us;
  layers->broken = TRUE;
}

void layers_mend(Layers *layers) {
  layers->broken = FALSE;
}

/* All of a camera that is turned off fall silent together, and none is left for it. */
static gboolean is_left(const Layers *layers, gint64 now_us) {
  if (layers->broken && now_us - layers->broken_us >= LAYERS_STEADY_US)
    return TRUE;
  for (guint i = 0; i < layers->max; i++)
    if (layers->all[i].used && layers->all[i].last_us - layers->all[layers->current].last_us >= LAYERS_SILENT_US)
      return TRUE;
  return FALSE;
}

void layers_advance(Layers *layers, gint64 now_us) {
  layers->next = LAYERS_NONE;
  if (layers->current == LAYERS_NONE)
    return;
  const gboolean left = is_left(layers, now_us);
  gboolean next_complete = FALSE;
  for (gint i = 0; i < (gint)layers->max; i++) {
    const Layer *layer = &layers->all[i];
    const gboolean complete = is_complete(layers, i, now_us);
    if (i == layers->current || !layers_sends(layers, i, now_us) ||
        (!left && (!complete || !is_better(layer, &layers->all[layers->current]))))
      continue;
    if (layers->next == LAYERS_NONE || (complete && !next_complete) ||
        (complete == next_complete && is_better(layer, &layers->all[layers->next]))) {
      layers->next = i;
      next_complete = complete;
    }
  }
}

gboolean layers_takes(const Layers *layers, gint index) {
  return layers->current == LAYERS_NONE || index == layers->current || index == layers->next;
}
