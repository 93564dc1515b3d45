/* SPDX-License-Identifier: Apache-2.0 */
/* The stable words of PROTOCOL.md for states, reasons and refusals. */
#include "gate/consent/consent.h"

const char *consent_state_text(ConsentState state) {
  switch (state) {
  case CONSENT_STATE_IDLE:
    return "idle";
  case CONSENT_STATE_ASKING:
    return "asking";
  case CONSENT_STATE_RECORDING:
    return "recording";
  case CONSENT_STATE_PAUSED:
    return "paused";
  case CONSENT_STATE_SUSPENDED:
    return "suspended";
  case CONSENT_STATE_DECLINED:
    return "declined";
  case CONSENT_STATE_STOPPED:
    return "stopped";
  case CONSENT_STATE_PURGED:
    return "purged";
  }
  return "unknown";
}

const char *consent_reason_text(ConsentReason reason) {
  switch (reason) {
  case CONSENT_REASON_NONE:
    return "none";
  case CONSENT_REASON_REQUESTED:
    return "requested";
  case CONSENT_REASON_GRANTED:
    return "granted";
  case CONSENT_REASON_NEWCOMER:
    return "newcomer";
  case CONSENT_REASON_WAITING:
    return "waiting";
  case CONSENT_REASON_CANNOT_CONSENT:
    return "cannot_consent";
  case CONSENT_REASON_DECLINED:
    return "declined";
  case CONSENT_REASON_WITHDRAWN:
    return "withdrawn";
  case CONSENT_REASON_PAUSED:
    return "paused";
  case CONSENT_REASON_RESUMED:
    return "resumed";
  case CONSENT_REASON_STOPPED:
    return "stopped";
  case CONSENT_REASON_ASKER_LEFT:
    return "asker_left";
  case CONSENT_REASON_LEFT:
    return "left";
  case CONSENT_REASON_SILENT:
    return "silent";
  case CONSENT_REASON_UNHEALTHY:
    return "unhealthy";
  case CONSENT_REASON_UNKNOWN_MEDIA:
    return "unknown_media";
  case CONSENT_REASON_UNKNOWN_PARTICIPANT:
    return "unknown_participant";
  case CONSENT_REASON_RECORDING_ELSEWHERE:
    return "recording_elsewhere";
  case CONSENT_REASON_SFU_SILENT:
    return "sfu_silent";
  case CONSENT_REASON_OVERRUN:
    return "overrun";
  case CONSENT_REASON_TRACKS:
    return "tracks";
  case CONSENT_REASON_ENDED:
    return "ended";
  case CONSENT_REASON_ERASED:
    return "erased";
  case CONSENT_REASON_OFFERED:
    return "offered";
  }
  return "unknown";
}

const char *consent_result_text(ConsentResult result) {
  switch (result) {
  case CONSENT_REFUSED:
    return "not_allowed";
  case CONSENT_OK:
    return "ok";
  case CONSENT_NOT_JOINED:
    return "not_joined";
  case CONSENT_SESSION_FULL:
    return "session_full";
  case CONSENT_ROLE_MAY_NOT_ASK:
    return "role_may_not_ask";
  case CONSENT_REQUEST_PENDING:
    return "request_pending";
  case CONSENT_REQUEST_LIMIT:
    return "request_limit";
  case CONSENT_DECLINED_FINAL:
    return "declined_final";
  case CONSENT_NO_REQUEST:
    return "no_request";
  case CONSENT_REQUEST_ENDED:
    return "request_ended";
  case CONSENT_WRONG_DISCLOSURE:
    return "wrong_disclosure";
  case CONSENT_CANNOT_CONSENT:
    return "cannot_consent";
  case CONSENT_NOTHING_TO_LIFT:
    return "nothing_to_lift";
  case CONSENT_PAUSED_BY_OTHER:
    return "paused_by_other";
  case CONSENT_NOT_RECORDING:
    return "not_recording";
  }
  return "unknown";
}
