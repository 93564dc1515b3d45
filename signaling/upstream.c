/* SPDX-License-Identifier: Apache-2.0 */
/* Client WebSockets in the server's own libwebsockets context, on a vhost of their own: nobody who connects to the gate can choose their protocol. */
#include "signaling/upstream.h"

#include <string.h>

#include "signaling/server-internal.h"

#define UPSTREAM_PROTOCOL "upstream" /* libwebsockets' name for the callback; what is offered on the wire is the caller's */

struct Upstream {
  Server *server;
  UpstreamEvents events;
  gpointer user;
  gsize message_bytes_max;
  struct lws *wsi; /* NULL before, and after libwebsockets let go of it */
  GQueue out;      /* GBytes: LWS_PRE bytes of room, then the text */
  gsize out_bytes;
  GString *in;
  struct Reading *reading; /* by a thread; NULL: none runs */
  GQueue late;             /* GString: messages that came after that */
  gsize late_bytes;
  gboolean is_open, was_open, failed; /* failed: `why` waits to be told */
  gboolean freed;                     /* by its owner: no more events */
  gboolean telling_late;              /* stays until its owner has been told what was read by a thread */
  char *why;
  guint telling;
};

gboolean upstream_url_parse(const char *text, UpstreamUrl *url) {
  g_autoptr(GUri) uri = text ? g_uri_parse(text, G_URI_FLAGS_NONE, NULL) : NULL;
  const char *host = uri ? g_uri_get_host(uri) : NULL;
  if (!host || strcmp(g_uri_get_scheme(uri), "ws") != 0 || g_uri_get_userinfo(uri) || g_uri_get_query(uri) || g_uri_get_fragment(uri))
    return FALSE;
  gboolean local = strcmp(host, "localhost") == 0;
  if (!local && !g_hostname_is_ip_address(host))
    return FALSE;
  *url = (UpstreamUrl){.host = g_strdup(local ? "127.0.0.1" : host),
                       .path = g_strdup(*g_uri_get_path(uri) ? g_uri_get_path(uri) : "/"),
                       .port = (guint16)(g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : 80)};
  return TRUE;
}

void upstream_url_clear(UpstreamUrl *url) {
  g_free(url->host);
  g_free(url->path);
  *url = (UpstreamUrl){0};
}

static void string_free(gpointer string) {
  g_string_free(string, TRUE);
}

/* When neither its owner nor libwebsockets nor a thread holds it any more. */
static void upstream_release(Upstream *upstream) {
  if (!upstream->freed || upstream->wsi || upstream->reading || upstream->telling_late)
    return;
  g_queue_clear_full(&upstream->out, (GDestroyNotify)g_bytes_unref);
  g_queue_clear_full(&upstream->late, string_free);
  g_string_free(upstream->in, TRUE);
  g_free(upstream->why);
  g_free(upstream);
}

static gboolean tell_closed(gpointer user) {
  Upstream *upstream = user;
  upstream->telling = 0;
  upstream->freed = TRUE;
  upstream->events.closed(upstream->was_open, upstream->why, upstream->user);
  upstream_free(upstream);
  return G_SOURCE_REMOVE;
}

/* From the loop: what is told may free others, and this may be inside a call of the owner. */
static void upstream_fail(Upstream *upstream, const char *why) {
  upstream->is_open = FALSE;
  if (upstream->freed || upstream->failed)
    return;
  upstream->failed = TRUE;
  upstream->why = g_strdup(why);
  upstream->telling = g_idle_add_full(G_PRIORITY_DEFAULT, tell_closed, upstream, NULL);
}

/* --- reading --- */

typedef struct Reading { /* one message by one thread */
  Upstream *upstream;
  GString *text;
  void (*shorten)(json_t *message);
  json_t *message; /* NULL: no JSON object */
  GThread *thread;
} Reading;

static json_t *read_message(const GString *text, void (*shorten)(json_t *message)) {
  json_t *message = json_loadb(text->str, text->len, JSON_REJECT_DUPLICATES, NULL);
  if (message && shorten)
    shorten(message);
  return message;
}

/* It may free the upstream's owner, and with that take the upstream from it. */
static void tell(const Upstream *upstream, json_t *message) {
  if (json_is_object(message) && !upstream->freed && !upstream->failed)
    upstream->events.message(message, upstream->user);
}

static gboolean on_read(gpointer user);

static gpointer read_run(gpointer user) {
  Reading *reading = user;
  reading->message = read_message(reading->text, reading->shorten);
  g_idle_add_full(G_PRIORITY_DEFAULT, on_read, reading, NULL);
  return NULL;
}

static void read_by_thread(Upstream *upstream, GString *text) {
  upstream->reading = g_new0(Reading, 1);
  *upstream->reading = (Reading){.upstream = upstream, .text = text, .shorten = upstream->events.shorten};
  g_hash_table_add(upstream->server->readings, upstream->reading);
  upstream->reading->thread = g_thread_new("upstream", read_run, upstream->reading);
}

/* Up to the next long one. */
static void read_late(Upstream *upstream) {
  while (!g_queue_is_empty(&upstream->late) && !upstream->reading) {
    GString *text = g_queue_pop_head(&upstream->late);
    upstream->late_bytes -= text->len;
    if (text->len > UPSTREAM_AT_ONCE_BYTES) {
      read_by_thread(upstream, text);
      return;
    }
    json_auto_t *message = read_message(text, upstream->events.shorten);
    string_free(text);
    tell(upstream, message);
  }
}

static void reading_join(Reading *reading) {
  g_thread_join(g_steal_pointer(&reading->thread));
}

/* After its join. */
static void reading_end(Reading *reading, gboolean is_told) {
  Upstream *upstream = reading->upstream;
  g_hash_table_remove(upstream->server->readings, reading);
  upstream->reading = NULL;
  upstream->telling_late = TRUE;
  if (is_told)
    tell(upstream, reading->message);
  json_decref(reading->message);
  string_free(reading->text);
  g_free(reading);
  if (is_told)
    read_late(upstream);
  upstream->telling_late = FALSE;
  upstream_release(upstream);
}

static gboolean on_read(gpointer reading) {
  reading_join(reading);
  reading_end(reading, TRUE);
  return G_SOURCE_REMOVE;
}

void upstream_end_readings(Server *server) {
  g_autoptr(GList) readings = g_hash_table_get_keys(server->readings);
  for (GList *each = readings; each != NULL; each = each->next) {
    reading_join(each->data);
    g_idle_remove_by_data(each->data); /* that it was to be told */
    reading_end(each->data, FALSE);
  }
}

/* A whole message has come. */
static void take_message(Upstream *upstream) {
  if (upstream->reading || upstream->in->len > UPSTREAM_AT_ONCE_BYTES) {
    upstream->late_bytes += upstream->in->len;
    g_queue_push_tail(&upstream->late, g_steal_pointer(&upstream->in));
    upstream->in = g_string_new(NULL);
    read_late(upstream);
    return;
  }
  json_auto_t *message = read_message(upstream->in, upstream->events.shorten);
  g_string_truncate(upstream->in, 0);
  tell(upstream, message);
}

static int receive(Upstream *upstream, const char *bytes, gsize n) {
  if (upstream->freed || upstream->failed)
    return -1;
  if (lws_frame_is_binary(upstream->wsi) ||
      upstream->late_bytes + upstream->in->len + n + lws_remaining_packet_payload(upstream->wsi) > upstream->message_bytes_max) {
    upstream_fail(upstream, "it sent something that is not text, or too much at once");
    return -1;
  }
  g_string_append_len(upstream->in, bytes, (gssize)n);
  if (lws_is_final_fragment(upstream->wsi))
    take_message(upstream);
  return 0;
}

/* --- libwebsockets --- */

static int writeable(Upstream *upstream) {
  GBytes *bytes = g_queue_pop_head(&upstream->out);
  if (bytes) {
    gsize n;
    guchar *buffer = g_bytes_unref_to_data(bytes, &n);
    upstream->out_bytes -= n - LWS_PRE;
    int written = lws_write(upstream->wsi, buffer + LWS_PRE, n - LWS_PRE, LWS_WRITE_TEXT);
    g_free(buffer);
    if (written < 0)
      return -1;
  }
  if (!g_queue_is_empty(&upstream->out))
    lws_callback_on_writable(upstream->wsi);
  else if (upstream->freed) {
    lws_close_reason(upstream->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    return -1;
  }
  return 0;
}

static int established(Upstream *upstream) {
  upstream->is_open = upstream->was_open = TRUE;
  lws_callback_on_writable(upstream->wsi);
  return 0;
}

static int upstream_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user G_GNUC_UNUSED, void *in, size_t n) {
  Upstream *upstream = wsi ? lws_get_opaque_user_data(wsi) : NULL;
  if (!upstream)
    return 0;
  upstream->wsi = wsi; /* callbacks come before the connecting call has returned it */
  if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED)
    return established(upstream);
  if (reason == LWS_CALLBACK_CLIENT_RECEIVE)
    return receive(upstream, in, n);
  if (reason == LWS_CALLBACK_CLIENT_WRITEABLE)
    return writeable(upstream);
  if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) {
    g_autofree char *why = in && n > 0 ? g_strndup(in, n) : g_strdup("no connection");
    upstream_fail(upstream, why);
  } else if (reason == LWS_CALLBACK_CLIENT_CLOSED)
    upstream_fail(upstream, "it closed the connection");
  else if (reason == LWS_CALLBACK_WSI_DESTROY) {
    lws_set_opaque_user_data(wsi, NULL);
    upstream->wsi = NULL;
    upstream_fail(upstream, "the connection ended");
    upstream_release(upstream);
  }
  return 0;
}

static struct lws_vhost *outward(Server *server) {
  static const struct lws_protocols protocols[] = {{.name = UPSTREAM_PROTOCOL, .callback = upstream_callback}, {0}};
  const struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols, .vhost_name = "outward", .gid = (gid_t)-1, .uid = (uid_t)-1};
  if (!server->outward)
    server->outward = lws_create_vhost(server->context, &info);
  return server->outward;
}

static void connect_to(Upstream *upstream, const UpstreamUrl *url, const char *protocol) {
  g_autofree char *host =
      strchr(url->host, ':') ? g_strdup_printf("[%s]:%u", url->host, url->port) : g_strdup_printf("%s:%u", url->host, url->port);
  const struct lws_client_connect_info info = {.context = upstream->server->context,
                                               .vhost = outward(upstream->server),
                                               .address = url->host,
                                               .port = url->port,
                                               .path = url->path,
                                               .host = host,
                                               .protocol = protocol,
                                               .local_protocol_name = UPSTREAM_PROTOCOL,
                                               .ietf_version_or_minus_one = -1,
                                               .opaque_user_data = upstream};
  struct lws *wsi = info.vhost ? lws_client_connect_via_info(&info) : NULL;
  if (wsi)
    upstream->wsi = wsi;
  else
    upstream_fail(upstream, "no connection");
}

Upstream *upstream_open(Server *server, const char *url, const char *protocol, gsize message_bytes_max, const UpstreamEvents *events,
                        gpointer user) {
  Upstream *upstream = g_new0(Upstream, 1);
  upstream->server = server;
  upstream->message_bytes_max = message_bytes_max;
  upstream->events = *events;
  upstream->user = user;
  upstream->in = g_string_new(NULL);
  g_queue_init(&upstream->out);
  g_queue_init(&upstream->late);
  UpstreamUrl parsed = {0};
  if (upstream_url_parse(url, &parsed))
    connect_to(upstream, &parsed, protocol);
  else
    upstream_fail(upstream, "its address is not usable");
  upstream_url_clear(&parsed);
  return upstream;
}

void upstream_send(Upstream *upstream, json_t *message) {
  json_auto_t *owned = message;
  gsize n = json_dumpb(owned, NULL, 0, JSON_COMPACT);
  if (n == 0 || upstream->freed || upstream->failed)
    return;
  if (upstream->out_bytes + n > upstream->server->socket_queue_bytes_max) {
    upstream_fail(upstream, "it does not read what it is sent");
    return;
  }
  guchar *buffer = g_malloc(LWS_PRE + n);
  json_dumpb(owned, (char *)buffer + LWS_PRE, n, JSON_COMPACT);
  g_queue_push_tail(&upstream->out, g_bytes_new_take(buffer, LWS_PRE + n));
  upstream->out_bytes += n;
  if (upstream->is_open)
    lws_callback_on_writable(upstream->wsi);
}

void upstream_free(Upstream *upstream) {
  if (!upstream)
    return;
  upstream->freed = TRUE;
  g_clear_handle_id(&upstream->telling, g_source_remove); /* the connection may outlive its owner, who must hear no more of it */
  if (upstream->is_open) {
    lws_set_timeout(upstream->wsi, PENDING_TIMEOUT_USER_REASON_BASE, SERVER_CLOSE_TIMEOUT_S);
    lws_callback_on_writable(upstream->wsi);
  } else if (upstream->wsi)
    lws_set_timeout(upstream->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
  upstream_release(upstream);
}
