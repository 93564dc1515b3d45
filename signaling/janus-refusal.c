/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of what is refused. Members are refused unless they say false, requests altogether. */
#include "signaling/janus-refusal.h"

#include "signaling/json.h"

#include <string.h>

#define PLUGIN "janus.plugin."

/* Whose media stays between Janus and people's PeerConnections. Of others nothing is known, and unknown means no: recordplay and voicemail record,
 * sip and nosip lead media to where no gate is, lua and duktape run scripts. */
static const char *const PLUGINS[] = {PLUGIN "audiobridge", PLUGIN "echotest",  PLUGIN "streaming",
                                      PLUGIN "textroom",    PLUGIN "videocall", PLUGIN "videoroom"};

/* rtp_forward: a copy to any address. publish_remotely: a copy to another Janus. recording: of a streaming mountpoint. */
static const char *const REQUESTS[] = {"rtp_forward", "publish_remotely", "add_remote_publisher", "recording"};

static const struct {
  const char *plugin, *member; /* plugin NULL: any. An `edit` has the same member with new_ before it */
  const char *but_request;     /* where it means something else; NULL: nowhere */
} MEMBERS[] = {
    {NULL, "record", NULL}, /* also of enable_recording */
    {NULL, "lock_record", NULL},
    {NULL, "rec_dir", NULL},
    {NULL, "record_file", NULL},
    {NULL, "record_dir", NULL},
    {NULL, "recording", NULL},
    {NULL, "mjrs", NULL}, /* also of enable_mjrs */
    {NULL, "mjrs_dir", NULL},
    {PLUGIN "audiobridge", "filename", "play_file"},
    {PLUGIN "audiobridge", "rtp", NULL}, /* a participant by plain RTP, whom no gate sees */
    {PLUGIN "audiobridge", "allow_rtp_participants", NULL},
    {PLUGIN "echotest", "filename", NULL},
    {PLUGIN "videocall", "filename", NULL},
    {PLUGIN "videoroom", "filename", NULL},
};

static char *sentence(const char *what) {
  return g_strdup_printf("recording_elsewhere: %s would let media be recorded or copied where nobody is asked for consent. "
                         "Recording is asked for through the gate, with recording.request.",
                         what);
}

char *janus_refuse_plugin(const char *plugin) {
  for (gsize i = 0; i < G_N_ELEMENTS(PLUGINS); i++)
    if (g_strcmp0(plugin, PLUGINS[i]) == 0)
      return NULL;
  return sentence("this plugin");
}

static gboolean says_more_than_no(const json_t *body, const char *member) {
  g_autofree char *edited = g_strconcat("new_", member, NULL);
  const json_t *values[] = {json_object_get(body, member), json_object_get(body, edited)};
  for (gsize i = 0; i < G_N_ELEMENTS(values); i++)
    if (values[i] && !json_is_false(values[i]) && !json_is_null(values[i]))
      return TRUE;
  return FALSE;
}

char *janus_refuse_body(const char *plugin, const json_t *body) {
  const char *request = json_text_member(body, "request");
  for (gsize i = 0; request && i < G_N_ELEMENTS(REQUESTS); i++)
    if (g_ascii_strcasecmp(request, REQUESTS[i]) == 0) /* Janus does not mind the case */
      return sentence(REQUESTS[i]);
  for (gsize i = 0; i < G_N_ELEMENTS(MEMBERS); i++) {
    gboolean elsewhere = (MEMBERS[i].plugin && g_strcmp0(plugin, MEMBERS[i].plugin) != 0) ||
                         (MEMBERS[i].but_request && request && g_ascii_strcasecmp(request, MEMBERS[i].but_request) == 0);
    if (!elsewhere && says_more_than_no(body, MEMBERS[i].member))
      return sentence(MEMBERS[i].member);
  }
  return NULL;
}
