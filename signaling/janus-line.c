/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the gate's own to Janus: see janus-line.h. */
#include "signaling/janus-line.h"

#include <string.h>

#include "signaling/janus-message.h"

typedef enum StepKind { STEP_SESSION = 1, STEP_HANDLE, STEP_QUESTION } StepKind;

typedef struct Step { /* asked, not answered yet */
  StepKind kind;
  int plugin;
  gpointer question;
} Step;

struct JanusLine {
  Daemon *daemon;
  JanusLineEvents events;
  gpointer user;
  GDestroyNotify free_question;
  gsize message_bytes_max;
  Upstream *upstream;
  gint64 session, handles[JANUS_ROOM_PLUGINS]; /* 0: not yet */
  GHashTable *steps;                           /* transaction -> Step */
  guint64 transaction;
  gint64 heard_us; /* when Janus last said something, or was first asked */
  gboolean broken;
};

static void disconnect(JanusLine *line) {
  GHashTableIter iter;
  gpointer step;
  upstream_free(g_steal_pointer(&line->upstream));
  g_hash_table_iter_init(&iter, line->steps);
  while (g_hash_table_iter_next(&iter, NULL, &step))
    if (((const Step *)step)->kind == STEP_QUESTION)
      line->free_question(((const Step *)step)->question);
  g_hash_table_remove_all(line->steps);
  line->session = 0;
  memset(line->handles, 0, sizeof line->handles);
  line->broken = FALSE;
}

static void ask(JanusLine *line, const Step *step, json_t *message) {
  g_autofree char *transaction = g_strdup_printf("%" G_GUINT64_FORMAT, ++line->transaction);
  json_object_set_new(message, "transaction", json_string(transaction));
  if (line->session != 0)
    json_object_set_new(message, "session_id", json_integer(line->session));
  if (step->kind == STEP_QUESTION && step->plugin >= 0)
    json_object_set_new(message, "handle_id", json_integer(line->handles[step->plugin]));
  janus_request_set_secrets(message, line->daemon->janus_token, line->daemon->janus_secret);
  if (g_hash_table_size(line->steps) == 0)
    line->heard_us = daemon_now_us();
  g_hash_table_replace(line->steps, g_steal_pointer(&transaction), g_memdup2(step, sizeof *step));
  upstream_send(line->upstream, message);
}

static void on_step(JanusLine *line, const Step *step, const JanusReply *reply, const json_t *message) {
  const gboolean is_error = reply->type == JANUS_REPLY_ERROR;
  line->broken |= is_error && step->kind != STEP_HANDLE; /* Janus may not know the session any more: begin anew */
  if (step->kind == STEP_QUESTION) {
    line->events.answer(step->question, is_error, json_object_get(json_object_get(message, "plugindata"), "data"), line->user);
    return;
  }
  if (step->kind == STEP_SESSION)
    line->session = (gint64)reply->id;
  else
    line->handles[step->plugin] = (gint64)reply->id;
  if (!is_error)
    line->events.ready(line->user);
}

static void on_message(json_t *message, gpointer user) {
  JanusLine *line = user;
  const JanusReply reply = janus_reply_read(message);
  gpointer key, step;
  line->heard_us = daemon_now_us();
  line->broken |= reply.type == JANUS_REPLY_TIMEOUT || reply.type == JANUS_REPLY_DETACHED;
  if (reply.transaction == NULL || !g_hash_table_steal_extended(line->steps, reply.transaction, &key, &step))
    return;
  g_free(key);
  on_step(line, step, &reply, message);
  g_free(step);
}

static void on_closed(gboolean was_open, const char *why, gpointer user) {
  JanusLine *line = user;
  line->upstream = NULL;
  disconnect(line);
  line->events.closed(was_open, why, line->user);
}

static void connect_to_janus(JanusLine *line) {
  const UpstreamEvents events = {.message = on_message, .closed = on_closed, .shorten = line->events.shorten};
  line->upstream =
      upstream_open(line->daemon->server, line->daemon->config->sfu_janus, "janus-protocol", line->message_bytes_max, &events, line);
  ask(line, &(Step){.kind = STEP_SESSION}, json_pack("{s:s}", "janus", "create"));
}

/* TRUE: there is one of each. */
static gboolean have_handles(JanusLine *line, guint plugins) {
  for (int i = 0; i < JANUS_ROOM_PLUGINS; i++) {
    if ((plugins & 1u << i) == 0 || line->handles[i] != 0)
      continue;
    g_autofree char *name = g_strconcat("janus.plugin.", JANUS_ROOM_PLUGIN_NAMES[i], NULL);
    ask(line, &(Step){.kind = STEP_HANDLE, .plugin = i}, json_pack("{s:s, s:s}", "janus", "attach", "plugin", name));
    return FALSE;
  }
  return TRUE;
}

gboolean janus_line_turn(JanusLine *line, guint plugins) {
  const gboolean is_stuck = janus_line_waits(line) && daemon_now_us() - line->heard_us > line->daemon->config->lease_ms * 1000;
  if (line->broken || is_stuck)
    disconnect(line);
  if (line->upstream == NULL)
    connect_to_janus(line);
  return !janus_line_waits(line) && line->session != 0 && have_handles(line, plugins);
}

void janus_line_ask(JanusLine *line, int plugin, json_t *body, gpointer question) {
  const Step step = {.kind = STEP_QUESTION, .plugin = plugin, .question = question};
  ask(line, &step, body == NULL ? json_pack("{s:s}", "janus", "keepalive") : json_pack("{s:s, s:o}", "janus", "message", "body", body));
}

gboolean janus_line_waits(const JanusLine *line) {
  return g_hash_table_size(line->steps) > 0;
}

JanusLine *janus_line_new(Daemon *daemon, gsize message_bytes_max, const JanusLineEvents *events, GDestroyNotify free_question,
                          gpointer user) {
  JanusLine *line = g_new0(JanusLine, 1);
  line->daemon = daemon;
  line->events = *events;
  line->free_question = free_question;
  line->message_bytes_max = message_bytes_max;
  line->user = user;
  line->steps = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  return line;
}

void janus_line_free(JanusLine *line) {
  if (line == NULL)
    return;
  disconnect(line);
  g_hash_table_unref(line->steps);
  g_free(line);
}
