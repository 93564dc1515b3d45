// SPDX-License-Identifier: Apache-2.0
// Janus from Debian recording .mjr: publishers of the videoroom plugin that nobody watches, each in a room of its own. What recording costs is the
// same run with it and without; what makes the files playable is janus-pp-rec (Debian's janus-tools).
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { Janus, JanusOpenSsl } from '../relay/janus.mjs';
import { Load } from '../relay/load.mjs';
import { cpu_us, rss_kb } from '../relay/servers.mjs';
import { remote, sdp } from '../relay/shared.mjs';
import { cpuOf, mustPlay } from './files.mjs';

const POST = '/usr/bin/janus-pp-rec';
const POST_MAX = 10; // participants whose files are made playable
const LOST_MAX = 0.1; // of the frames: its packets come over UDP, and on a busy machine not all arrive

// Its recording does not depend on its libsrtp2; with the faster one there is less beside it.
class Videoroom extends (JanusOpenSsl.isHere ? JanusOpenSsl : Janus) {
  plugin = 'videoroom';

  async describe(ends) {
    this.handles = [];
    const remotes = [];
    for (const [i, end] of ends.entries()) {
      const handle = await this.attach();
      const room = i + 1;
      await this.ask({ janus: 'message', body: { request: 'create', room, publishers: 1 } }, `${this.url}/${handle}`);
      const joined = await this.say(handle, { request: 'joinandconfigure', ptype: 'publisher', room }, 'joined', handle, { type: 'offer', sdp: sdp(end, 'active') });
      this.handles.push(handle);
      remotes.push(remote(joined.jsep));
    }
    return remotes;
  }

  /** Files place/pN-…: one a track. */
  async record(on, place) {
    for (const [i, handle] of this.handles.entries())
      await this.say(handle, { request: 'configure', record: on, ...(on ? { filename: path.join(place, `p${i}`) } : {}) }, 'event');
  }
}

export const isHere = Janus.isHere && existsSync(POST);

/** CPU of janus-pp-rec in ms a participant; checks the first one's video. */
function postProcess(place, participants, frames) {
  const files = readdirSync(place).filter((name) => name.endsWith('.mjr'));
  if (files.length !== 2 * participants || files.some((name) => statSync(path.join(place, name)).size < 1000)) throw new Error(`Janus recorded only ${files}`);
  const n = Math.min(participants, POST_MAX);
  let ms = 0;
  for (const name of files.filter((one) => Number(/^p(\d+)-/.exec(one)[1]) < n)) {
    const video = /^p\d+-video/.test(name);
    const out = path.join(place, `${name}.${video ? 'webm' : 'opus'}`);
    ms += cpuOf(POST, '-d', '0', path.join(place, name), out);
    if (video && name.startsWith('p0-')) mustPlay(out, frames[0], 'Janus', LOST_MAX * frames[0]);
  }
  return ms / n;
}

/** {cpu_us, kb: grown a participant since all are connected, post_ms: a participant, when recording}. */
export async function measureJanus(participants, recording, { clip, warm_ms, ms, place }) {
  const janus = new Videoroom();
  await janus.start();
  const load = new Load('webrtc', participants, 'gcm', janus.port);
  try {
    const { ends } = await load.next();
    load.tell({ connect: await janus.describe(ends) });
    const { connected } = await load.next();
    if (connected !== participants) throw new Error(`Janus: only ${connected} of ${participants} connected`);
    const before_kb = rss_kb(janus.pid);
    if (recording) await janus.record(true, place);
    load.tell({ play: { clip, senders: participants, warm_ms, ms } });
    await load.next();
    const from_us = cpu_us(janus.pid);
    await load.next();
    const used_us = cpu_us(janus.pid) - from_us;
    const { frames, late_ms } = await load.next();
    const kb = (rss_kb(janus.pid) - before_kb) / participants;
    if (!recording) return { cpu_us: used_us, kb, late_ms };
    await janus.record(false);
    return { cpu_us: used_us, kb, late_ms, post_ms: postProcess(place, participants, frames), seconds: frames.reduce((sum, one) => sum + one, 0) / participants / 30 };
  } finally {
    await load.end();
    await janus.stop();
  }
}
