/* SPDX-License-Identifier: Apache-2.0 */
/* The composition: which room calls which. Shared by recgate.c, session*.c, messages.c and api.c, and by nobody else.
 *
 * Threads: control thread, everything. */
#ifndef RECGATE_DAEMON_H
#define RECGATE_DAEMON_H

#include "gate/consent/consent.h"
#include "gate/vault/vault.h"
#include "pipelines/recording/recorder.h"
#include "pipelines/relay/call.h"
#include "signaling/alarms.h"
#include "signaling/config.h"
#include "signaling/server.h"
#include "signaling/token.h"
#include <gio/gio.h>

/* One media worker with what hangs on it: its ring, the recorder that empties the ring. */
typedef struct MediaLane {
  Worker *worker;
  TapRing *ring;
  Recorder *recorder;
} MediaLane;

typedef struct Daemon {
  Config *config;
  GMainLoop *loop;
  GMainContext *control;
  Alarms *alarms;
  Vault *vault;
  TokenKey *key;
  struct Letters *letters; /* letter.h */
  Server *server;
  char *janus_token, *janus_secret; /* Janus's own, put into what passes to it; NULL: it wants none */
  GHashTable *janus_http;     /* set of JanusHttpSession, owned (janus-http.h) */
  GHashTable *janus_entrants; /* session id -> who is in which room (janus-rooms.c); NULL: nobody yet */
  struct JanusList *janus_list; /* janus-list.h; NULL: nobody needs it */
  MediaLane *lanes;
  guint n_lanes, next_lane;
  IceService *ice; /* of legs towards an SFU; NULL: there is none */
  GHashTable *sessions;    /* id -> Session, owned */
  GHashTable *connections; /* serial -> Connection: which sockets still are */
  struct Whips *whips;     /* requests to a WHIP server (whip-upstream.h) */
  GHashTable *relays;      /* id -> Relay (relay.h), owned */
  gboolean healthy;
  char *unhealthy_why;
  guint32 next_track;   /* numbers of tapped tracks, unique in the process (TapRecord.track) */
  guint64 last_call;    /* numbers of calls, given with peer.ready */
  guint64 last_serial;  /* of connections */
  guint64 last_request; /* numbers of requests: wall clock ms, so that they stay unique over restarts */
  GPtrArray *exports;   /* running ones */
  guint listings;       /* running ones */
  guint log_reads;      /* running ones (api-log.h) */
  guint bundles;        /* of evidence, being made or sent */
  GCancellable *ending; /* cancelled when the daemon ends: bundles being made stop */
  struct Reports *reports;
  struct {
    guint64 joins, grants, declines, withdrawals, gate_opened, gate_closed, commits, drops, refused_tokens;
    gint64 last_gate_closed_us, last_erased_us;
  } counters;
} Daemon;

gint64 daemon_now_us(void);  /* monotonic boot clock (fault 31) */
gint64 daemon_wall_ms(void); /* wall clock; for people and the ledger, never for a decision */
char *daemon_rfc3339(gint64 wall_ms);

/* api.c: routes of PROTOCOL.md's HTTP table and the pages. */
void api_handle(HttpRequest *request, gpointer daemon);

/* messages.c: the WebSocket side. */
extern const ServerEndpoint messages_endpoint;
void messages_received(Socket *socket, json_t *message, gint64 received_us, gpointer daemon);

#endif
