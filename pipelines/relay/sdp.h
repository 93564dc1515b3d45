/* SPDX-License-Identifier: Apache-2.0 */
/* SDP: takes out what a description says of its sender, puts in what is the gate's; everything else passes through unchanged in meaning.
 *
 * Threads: any, no state. Parsed with GstSDP. RFC 8866, 8829 (JSEP), 8839 (ICE), 8842 (DTLS), 9143 (BUNDLE), 5761 (rtcp-mux). */
#ifndef RECGATE_SDP_H
#define RECGATE_SDP_H

#include <glib.h>

#define SDP_ERROR (sdp_error_quark())
GQuark sdp_error_quark(void);
typedef enum SdpError {
  SDP_ERROR_MALFORMED,
  SDP_ERROR_TOO_LARGE,
  SDP_ERROR_UNSUPPORTED, /* no BUNDLE, no rtcp-mux, no fingerprint */
  SDP_ERROR_NO_ROOM,     /* of call_description alone */
} SdpError;

/* Limits of one description (fault 19), each checked before parsing: a browser's with all codecs has some 20 kB and 1,000 lines for 6 m-lines. */
#define SDP_BYTES_MAX (128 * 1024)
#define SDP_LINES_MAX 4000
#define SDP_MEDIA_MAX 64

typedef enum SdpType { SDP_NONE = 0, SDP_OFFER, SDP_PRANSWER, SDP_ANSWER, SDP_ROLLBACK } SdpType;
/* Its sender begins no check, as the gate does not (RFC 8445 section 6.1.1, RFC 8839 section 5.3). Not to be asked of Janus's: its VideoCall passes on
 * what the gate itself wrote for the other one. FALSE for what is no description. */
gboolean sdp_is_ice_lite(const char *sdp, SdpType type);
SdpType sdp_type_parse(const char *text); /* the words of RTCSdpType; NONE: another, or NULL */
typedef enum SdpSetup { SDP_SETUP_NONE = 0, SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE } SdpSetup;

typedef struct SdpPayload { guint8 pt; char codec[16]; /* lower case, "vp8" */ guint32 clock_rate; guint8 apt; /* rtx: its media's pt */ gboolean has_apt; } SdpPayload;

typedef struct SdpRepair { guint32 media, rtx; } SdpRepair; /* the SSRC of RFC 4588 retransmissions of another (RFC 5576 section 4.2) */

typedef struct SdpTrack { /* one m=audio or m=video section */
  char mid[64];
  char medium[8];            /* "audio" | "video" */
  gboolean sends, receives;  /* from the describer's point of view; FALSE both when rejected */
  GArray *payloads;          /* SdpPayload, in order of preference */
  GArray *ssrcs;             /* guint32, of a=ssrc and a=ssrc-group, in order; may be empty (RFC 8843: then MID tells) */
  GArray *repairs;           /* SdpRepair, of a=ssrc-group:FID */
  guint8 mid_ext_id;         /* urn:ietf:params:rtp-hdrext:sdes:mid, 0: none */
  guint8 rid_ext_id, repaired_rid_ext_id; /* ...:rtp-stream-id, ...:repaired-rtp-stream-id (RFC 8852) */
  gboolean simulcast;        /* a=simulcast (RFC 8853), which both must say */
  gboolean sim_group;        /* a=ssrc-group:SIM, its forerunner, which only the sender says */
  gboolean rtcp_rsize, has_pli; /* has_pli: a=rtcp-fb nack pli or ccm fir was offered for a payload */
} SdpTrack;

typedef struct SdpInfo {
  char ufrag[260], pwd[260];
  gboolean ice_lite;         /* its sender begins no check (RFC 8839 section 5.3) */
  char **candidates;         /* values of a=candidate; never NULL. Of use to a full agent of the gate's, towards an SFU only */
  gboolean complete;         /* a=end-of-candidates */
  char *fingerprints;        /* "sha-256 AB…" lines joined by '\n' */
  SdpSetup setup;
  GPtrArray *tracks;         /* SdpTrack */
} SdpInfo;
void sdp_info_free(SdpInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SdpInfo, sdp_info_free)

typedef struct SdpGate { /* what the receiver of the rewritten description is to see */
  const char *ufrag, *pwd, *fingerprint;
  SdpSetup setup;
  const char *const *addresses; /* NULL-terminated, in order of preference; where the gate is ICE-lite */
  guint16 port;
  const char *const *candidates; /* values of a=candidate, of a full agent; NULL: the gate is ICE-lite */
} SdpGate;

/* What the description says, without changing it. */
SdpInfo *sdp_read(const char *sdp, SdpType type, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The description for the other side: gate's ICE (a=ice-lite unless it is full, candidates, end-of-candidates), fingerprint, setup; no trace of the sender's addresses. */
char *sdp_rewrite(const char *sdp, SdpType type, const SdpGate *gate, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
