/* SPDX-License-Identifier: Apache-2.0 */
/* The table of configuration keys: one row a key is all there is to a new one. Inside config only.
 *
 * Threads: any; constant. */
#ifndef RECGATE_CONFIG_KEYS_H
#define RECGATE_CONFIG_KEYS_H

#include "signaling/config.h"

typedef enum ConfigKind { CONFIG_KIND_TEXT = 1, CONFIG_KIND_ENDPOINT, CONFIG_KIND_IPS, CONFIG_KIND_ORIGINS, CONFIG_KIND_ROLES, CONFIG_KIND_ICE, CONFIG_KIND_NUMBER, CONFIG_KIND_WS } ConfigKind;

typedef struct ConfigKey {
  const char *section, *name;
  ConfigKind kind;
  gsize offset;           /* in Config */
  const char *initial;    /* NULL: unset */
  gint64 min, max;        /* CONFIG_KIND_NUMBER */
  const char *option;     /* long command-line option, NULL: none */
  const char *argument, *help;
} ConfigKey;

const ConfigKey *config_keys(gsize *n);
/* Checks and stores text; the old value is freed. what: the key as its reader wrote it, for the message. */
gboolean config_key_set(Config *config, const ConfigKey *key, const char *text, const char *source, const char *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The value as text, "" when unset. g_free it. */
char *config_key_text(const Config *config, const ConfigKey *key);
void config_key_clear(Config *config, const ConfigKey *key);
/* "section.key" of the nearest known key by edit distance. g_free it. */
char *config_key_nearest(const char *section, const char *name);

#endif
