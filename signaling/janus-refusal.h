/* SPDX-License-Identifier: Apache-2.0 */
/* What may not pass to Janus because it would record or fork media behind the gate, where nobody's consent is asked (R7).
 *
 * Threads: any, no state. Later releases of Janus may need rows in the tables: they were written against 1.1.2. */
#ifndef RECGATE_JANUS_REFUSAL_H
#define RECGATE_JANUS_REFUSAL_H

#include <glib.h>
#include <jansson.h>

/* A sentence that begins with `recording_elsewhere`; NULL: it may pass. g_free it. */
char *janus_refuse_plugin(const char *plugin);                      /* of an attach */
char *janus_refuse_body(const char *plugin, const json_t *body);    /* of a message to that plugin; body NULL: none */

#endif
