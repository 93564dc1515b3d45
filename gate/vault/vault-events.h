/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in a session, as the vault keeps it: one transaction an event, its leaf included (R21). Included by vault.h.
 *
 * Threads: vault_* any thread; they never wait for the disk. Callbacks run in the vault's control context, never before the call returned. */
#ifndef RECGATE_VAULT_EVENTS_H
#define RECGATE_VAULT_EVENTS_H

#include <glib.h>
#include <jansson.h>

typedef struct Vault Vault;

typedef enum VaultScope { VAULT_SCOPE_UNSET = 0, VAULT_SCOPE_AFTER, VAULT_SCOPE_PARTICIPANT, VAULT_SCOPE_SESSION } VaultScope;

typedef struct VaultReply { /* valid during the callback */
  const GError *error;      /* NULL: done and durable */
  gint64 leaf_index;        /* of the leaf that was appended, -1: none */
  const char *leaf_hash;    /* hex */
  guint64 segments, bytes;  /* erase: what it destroyed */
  json_t *exports;          /* erase: finished exports [{"by","at"}] (R18); borrowed */
  gint64 done_us;           /* boot clock when it was durable */
  json_t *proof;            /* vault_append_proven: {"index", "leaf": its text, "salts": {"session", "participant"}: base64, what the leaf's commitments
                               of that session and person open with, "proof": c2sp.org/tlog-proof}; borrowed; else NULL */
} VaultReply;
typedef void (*VaultDone)(const VaultReply *reply, gpointer user); /* NULL allowed where nobody waits */

/* Any event of a session that changes nothing else in the store: join, leave, grant, decline, gate_open, gate_close, access, ...
 * `leaf` is taken over; "at" (ms since the epoch) and "session" (NULL: none) are added. State tables follow the leaf's "type" (see vault-state.c).
 * With done NULL what the store refuses of a session is owed (owed.h): written as soon as it can be, before all that comes later (R21). */
void vault_append(Vault *vault, const char *session, json_t *leaf, VaultDone done, gpointer user);
/* The same; the reply carries the proof of the leaf's inclusion, for a receipt (R24). */
void vault_append_proven(Vault *vault, const char *session, json_t *leaf, VaultDone done, gpointer user);

typedef struct VaultRecording {
  const char *session;
  guint64 request;             /* number of the request in this session, from 1 */
  VaultScope on_withdrawal;
  gint64 retention_s;
  const char *disclosure;      /* canonical JSON */
  const char *sha256;          /* hex, of that text */
  const char *asker;           /* participant id, NULL: a service */
} VaultRecording;
/* A request was made: its text and leaf `request`. */
void vault_recording_new(Vault *vault, const VaultRecording *recording, VaultDone done, gpointer user);

/* What an earlier process knew of a session and decisions still depend on (R4). Answers behind what was queued before. */
typedef struct VaultRecall { /* valid during the callback */
  guint32 requests, take_last;  /* made so far; 0: none */
  const char *const *nos;       /* participants whose no stands, NULL-terminated */
  gboolean used;                /* somebody joined, recording was asked for, or it was planned */
  const json_t *plan;           /* R5: {"request", "starts", "ends": ms, "over": the written request ended, "asker_name", "disclosure": canonical text,
                                   "sha256", "at": ms, "participants": [{"id", "name", "role", "was_here", "answer"?, "media"?}]}; NULL: not planned */
} VaultRecall;
typedef void (*VaultRecalled)(const VaultRecall *recall, const GError *error, gpointer user); /* recall NULL: error says why */
void vault_session_recall(Vault *vault, const char *session, VaultRecalled recalled, gpointer user);

/* What POST /v1/withdraw needs: only the hash is kept, with the `grant` leaf that names it (R24). Whose key is it? *session and *participant are g_free'd by the callback's caller. */
/* NULLs: unknown key; with an error: nobody knows, it is to be asked again (R6). */
typedef void (*VaultFound)(const char *session, guint64 request, const char *participant, const GError *error, gpointer user);
void vault_withdraw_key_find(Vault *vault, const guint8 sha256[32], VaultFound found, gpointer user);

#endif
