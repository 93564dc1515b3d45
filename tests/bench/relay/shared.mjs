// SPDX-License-Identifier: Apache-2.0
// What the servers' verbs share: where they run and how they end, how an end describes itself, and what it reads of the server.
import { fileURLToPath } from 'node:url';

export const BUILD = fileURLToPath(new URL('../../../build', import.meta.url));
const SERVER_CORE = '0';
export const BEFORE = ['taskset', '-c', SERVER_CORE];

/** An offer or answer of one end: Opus and VP8, bundled. */
export function sdp({ ufrag, pwd, fingerprint, audio, video }, setup) {
  const transport = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `a=fingerprint:${fingerprint}`, `a=setup:${setup}`, 'a=rtcp-mux', 'a=sendrecv'];
  return ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', ...transport, 'a=rtpmap:111 opus/48000/2', `a=ssrc:${audio} cname:bench`,
    'm=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:1', ...transport, 'a=rtpmap:96 VP8/90000', `a=ssrc:${video} cname:bench`, ''].join('\r\n');
}

/** The same end with both payload types in one section. */
export function sdpOfOneSection({ ufrag, pwd, fingerprint, audio, video }, setup) {
  return ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111 96', 'c=IN IP4 127.0.0.1', 'a=mid:0',
    `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `a=fingerprint:${fingerprint}`, `a=setup:${setup}`, 'a=rtcp-mux', 'a=sendrecv',
    'a=rtpmap:111 opus/48000/2', 'a=rtpmap:96 VP8/90000', `a=ssrc:${audio} cname:bench`, `a=ssrc:${video} cname:bench`, ''].join('\r\n');
}

/** What an end needs of the server's description: port 0 is the server's one port for all. */
export function remote({ sdp: text }) {
  const value = (name) => new RegExp(`^a=${name}:(.*?)\r?$`, 'm').exec(text)[1];
  const port = Number(/^a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) typ host/im.exec(text)?.[1] ?? 0);
  return { ufrag: value('ice-ufrag'), pwd: value('ice-pwd'), port };
}

/** Two ends a call, one call after the other; call(one, two) gives what each needs of the server. */
export async function describePairs(ends, call) {
  const remotes = [];
  for (let i = 0; i < ends.length; i += 2) remotes.push(...(await call(ends[i], ends[i + 1])));
  return remotes;
}

export async function killed(process, signal) {
  const ended = new Promise((resolve) => process.on('close', resolve));
  process.kill(signal);
  await ended;
}
