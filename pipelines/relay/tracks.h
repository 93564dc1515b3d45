/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: what the two descriptions of a finished offer and answer mean for the packets of one side.
 *
 * Threads: any; pure. */
#ifndef RECGATE_TRACKS_H
#define RECGATE_TRACKS_H

#include "pipelines/relay/ssrc-map.h"

/* RelayTrack for each audio and video section that both descriptions have. `own` is the description of the side whose packets these are. */
GArray *tracks_agreed(const SdpInfo *own, const SdpInfo *other, const SdpInfo *answer);
/* CallTrack for those that are sent. */
GArray *tracks_sent(const GArray *relay_tracks);
gboolean tracks_equal(const GArray *call_tracks, const GArray *others);

#endif
