/* SPDX-License-Identifier: Apache-2.0 */
/* Janus's JSON protocol as it passes the gate: read, changed where it must be, and the errors that the gate answers in Janus's place.
 *
 * Threads: any, no state. What is read is borrowed from the message. */
#ifndef RECGATE_JANUS_MESSAGE_H
#define RECGATE_JANUS_MESSAGE_H

#include <glib.h>
#include <jansson.h>

#define JANUS_TRANSACTION_BYTES_MAX 64 /* janus.js's have 12 */

/* The numbers are Janus's own (apierror.h), so that an application's handling of them fits. */
#define JANUS_ERROR (janus_error_quark())
GQuark janus_error_quark(void);
typedef enum JanusError {
  JANUS_ERROR_UNAUTHORIZED = 403,    /* no token, not in the session, and what would record elsewhere */
  JANUS_ERROR_PLUGIN = 405,
  JANUS_ERROR_UNREACHABLE = 450,     /* Janus's "transport specific error" */
  JANUS_ERROR_UNKNOWN_REQUEST = 453,
  JANUS_ERROR_JSON = 454,
  JANUS_ERROR_MISSING = 456,
  JANUS_ERROR_PATH = 457,
  JANUS_ERROR_SESSION = 458,
  JANUS_ERROR_HANDLE = 459,
  JANUS_ERROR_LIMIT = 461,           /* Janus's "error attaching to plugin" */
  JANUS_ERROR_SDP = 465,
} JanusError;

typedef enum JanusVerb {
  JANUS_VERB_NONE = 0,
  JANUS_VERB_OTHER, /* info, ping, keepalive: nothing in it concerns the gate */
  JANUS_VERB_CREATE,
  JANUS_VERB_DESTROY,
  JANUS_VERB_ATTACH,
  JANUS_VERB_DETACH,
  JANUS_VERB_HANGUP,
  JANUS_VERB_TRICKLE,
  JANUS_VERB_MESSAGE,
} JanusVerb;

typedef struct JanusRequest {
  JanusVerb verb;
  guint64 session, handle; /* 0: none is named */
  const char *transaction, *plugin, *token;
  json_t *body, *jsep;     /* NULL: none */
} JanusRequest;

/* FALSE: not one of Janus's requests, or one that the gate does not pass (claim). */
gboolean janus_request_read(json_t *message, JanusRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The recgate token out; Janus's own, where the gate has them (NULL: not), in. */
void janus_request_set_secrets(json_t *message, const char *token, const char *api_secret);
/* Candidates out: the gate's stand in its SDP, and Janus learns no address of the client's. Janus still acknowledges. */
void janus_trickle_empty(json_t *message);

typedef enum JanusReplyType {
  JANUS_REPLY_OTHER = 0,
  JANUS_REPLY_SUCCESS, /* id: of what was created, 0: nothing was */
  JANUS_REPLY_ERROR,
  JANUS_REPLY_HANGUP,
  JANUS_REPLY_DETACHED,
  JANUS_REPLY_TIMEOUT, /* a session that Janus ended */
  JANUS_REPLY_TRICKLE,
} JanusReplyType;

typedef struct JanusReply { /* what Janus says, asked or not */
  JanusReplyType type;
  gboolean is_answer; /* said at once to the request of this transaction; what comes later of it is an event */
  guint64 session, handle, id;
  const char *transaction;
  json_t *jsep;
  json_t *candidate; /* of a TRICKLE */
} JanusReply;
JanusReply janus_reply_read(json_t *message);
/* What a TRICKLE says: "candidate:…", "" for their end, NULL: nothing of the kind. Borrowed. */
const char *janus_reply_candidate(const JanusReply *reply);

/* Janus's form of an error; about: what it answers, a request or a reply, NULL: nothing readable. New reference. */
json_t *janus_error_json(const json_t *about, int code, const char *reason);

#endif
