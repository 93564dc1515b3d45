/* SPDX-License-Identifier: Apache-2.0 */
/* ICE-lite state of one leg (RFC 8445 section 2.5), sans I/O: which credentials count, which addresses are valid, where to send.
 *
 * Threads: the worker's. Time: every call takes now_us (boot clock); tests advance a variable. */
#ifndef RECGATE_ICE_H
#define RECGATE_ICE_H

#include "pipelines/transport/address.h"
#include "pipelines/transport/leg.h"

/* Validated addresses a leg. A browser has one a network interface and transport, a NAT may add a few (fault 6). */
#define ICE_PATHS_MAX 16
/* A consenting peer checks every 2.5 s at least (RFC 7675 section 5.1 sends every 5 s with jitter, media flows in between). */
#define ICE_SILENCE_US 2500000
#define ICE_UFRAG_BYTES_MAX 256 /* RFC 8839 section 5.4 */

typedef struct IcePath { /* first what every packet looks at: one cache line */
  Address address;
  gpointer owner;
  gint64 heard_us; /* last check or authentic packet */
  gboolean media;  /* an authentic packet came on it */
  gboolean nominated;
  guint32 priority, generation;
} IcePath;

typedef struct IceGeneration { /* what one offer and answer agreed on */
  LegCredentials local;
  char remote[ICE_UFRAG_BYTES_MAX + 1]; /* empty: not known yet, no check is answered */
  guint32 number;                       /* from 1; 0: there is none */
} IceGeneration;

typedef struct Ice {
  IcePath *selected;           /* where to send; NULL: nowhere */
  gpointer owner;
  IcePath *paths[ICE_PATHS_MAX];
  guint n_paths;
  IceGeneration current, previous;
  gboolean remote_is_ahead;    /* a restart's remote half came before its local half */
  guint32 selected_generation; /* that the last nomination belonged to; 0: none was nominated yet */
  gboolean media_heard;
} Ice;

void ice_init(Ice *ice, const LegCredentials *local, gpointer owner);
void ice_clear(Ice *ice);
/* Remote or local half of a first exchange or a restart, in either order. FALSE: not 4 to 256 ice-chars. */
gboolean ice_set_remote(Ice *ice, const char *ufrag);
void ice_restart(Ice *ice, const LegCredentials *local);

/* The generation that "ours:theirs" belongs to, NULL: none. */
const IceGeneration *ice_find(const Ice *ice, const guint8 *username, gsize n);

typedef struct IceCheck {
  Address from;
  guint32 priority, generation;
  gboolean use_candidate;
} IceCheck;
/* An authenticated check. Returns the path it validated. `drop` is called for a path that made room, before it is freed. */
IcePath *ice_check(Ice *ice, const IceCheck *check, gint64 now_us, void (*drop)(IcePath *path, gpointer owner));
/* Authentic media came on this path. */
void ice_media(Ice *ice, IcePath *path, gint64 now_us);
/* The path was taken over by another leg. */
void ice_forget(Ice *ice, IcePath *path);

#endif
