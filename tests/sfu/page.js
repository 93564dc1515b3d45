// SPDX-License-Identifier: Apache-2.0
// An application of Janus as there are many: janus.js from npm, EchoTest here, VideoRoom in room.js. It knows of the gate that its address is the
// server's, and that its token is the client's; beside it the client module asks and answers for the recording.
/* global adapter */
import Janus from '/janus.js';
import { RecgateClient } from '/recgate.js';

const ready = new Promise((resolve) => Janus.init({ debug: ['error'], callback: resolve, dependencies: Janus.useDefaultDependencies({ adapter }) }));
export const state = { errors: [], data: [], hangups: [], published: [], states: [], handles: {}, tracks: {} };

/** janus.js answers by callbacks. */
export const called = (call, options = {}) => new Promise((resolve, reject) => call({ ...options, success: resolve, error: (why) => reject(new Error(why?.message ?? why)) }));

async function join(url, token) {
  state.client = new RecgateClient();
  for (const type of ['recording', 'ask', 'error', 'connection']) state.client.addEventListener(type, ({ detail }) => state.states.push({ ...detail, type, at: Date.now(), ...(detail?.message ? { message: detail.message } : {}) }));
  await state.client.connect({ url, token });
}

async function openJanus(server, token) {
  await ready;
  await new Promise((resolve, reject) => {
    state.janus = new Janus({ server, token, iceServers: [], success: resolve, error: (why) => (state.errors.push(String(why)), reject(new Error(why))), destroyed: () => {} });
  });
}

/** A handle that answers what the plugin offers and takes what it answers. */
export async function attach(name, plugin, more = {}) {
  const handle = await called((options) => state.janus.attach(options), {
    plugin: `janus.plugin.${plugin}`,
    onmessage: (message, jsep) => more.onmessage?.(message, jsep, handle),
    onremotetrack: (track, mid, on) => { (state.tracks[name] ??= {})[mid] = { kind: track.kind, on }; show(track, on); },
    ondataopen: () => state.data.push('open'),
    ondata: (text) => state.data.push(text),
    oncleanup: () => state.hangups.push(name),
    ...more.options,
  });
  state.handles[name] = handle;
  return handle;
}

/** What is not shown is not decoded. */
function show(track, on) {
  if (!on) return;
  const element = document.createElement(track.kind);
  element.autoplay = element.muted = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
}

export const offer = (handle, tracks, more = {}) => called((options) => handle.createOffer(options), { tracks, ...more });

async function echo({ data = true, name = 'echo', simulcast = false, audio = true, videocodec } = {}) {
  const handle = await attach(name, 'echotest', { onmessage: (message, jsep, own) => jsep && own.handleRemoteJsep({ jsep }) });
  const tracks = [...(audio ? [{ type: 'audio', capture: true, recv: true }] : []), { type: 'video', capture: true, recv: true, simulcast }, ...(data ? [{ type: 'data' }] : [])];
  const jsep = await offer(handle, tracks);
  await called((options) => handle.send(options), { message: { audio, video: true, videocodec }, jsep });
  return handle.getId();
}

const hangup = (name) => state.handles[name].hangup();

async function restart(name, message) {
  const handle = state.handles[name];
  const jsep = await offer(handle, [], { iceRestart: true });
  await called((options) => handle.send(options), { message, jsep });
}

/** Of this name, or NAME:FEED where each publisher has a handle of its own. */
const connectionsOf = (name) => Object.entries(state.handles).filter(([own]) => own === name || own.startsWith(`${name}:`)).map(([, handle]) => handle.webrtcStuff?.pc).filter(Boolean);

/** Packets and frames that came in, went out and were lost on the PeerConnections of a name, and the state of the last. */
async function stats(name) {
  const connections = connectionsOf(name);
  const sum = { state: undefined, in: {}, frames: [], out: {}, framesSent: 0, lost: {} };
  const add = (to, kind, n) => (to[kind] = (to[kind] ?? 0) + n);
  for (const pc of connections) {
    for (const one of (await pc.getStats()).values()) {
      if (one.type === 'inbound-rtp') add(sum.in, one.kind, one.packetsReceived), add(sum.lost, one.kind, one.packetsLost ?? 0);
      if (one.type === 'inbound-rtp' && one.kind === 'video') sum.frames.push(one.framesDecoded);
      if (one.type === 'outbound-rtp') add(sum.out, one.kind, one.packetsSent), (sum.framesSent += one.framesSent ?? 0);
    }
    sum.state = pc.connectionState;
    sum.ufrag = /a=ice-ufrag:(\S+)/.exec(pc.remoteDescription?.sdp ?? '')?.[1];
    sum.candidates = pc.remoteDescription?.sdp.match(/a=candidate:.*/g) ?? [];
  }
  return sum;
}

/** Agrees; the signature names the certificates of this person's connections with Janus. */
async function grant(media) {
  const connections = Object.values(state.handles).map((handle) => handle.webrtcStuff?.pc).filter(Boolean);
  await state.client.grant({ media, connections });
}

/** Turns one encoding of the camera on or off, as a browser does by itself when the way gets narrow. */
async function encoding(name, rid, active) {
  const sender = state.handles[name].webrtcStuff.pc.getSenders().find(({ track }) => track?.kind === 'video');
  const parameters = sender.getParameters();
  parameters.encodings.find((one) => one.rid === rid).active = active;
  await sender.setParameters(parameters);
}

/** What each encoding has sent: {rid: {width, height, frames}}. */
async function encodings(name) {
  const sent = {};
  for (const one of (await state.handles[name].webrtcStuff.pc.getStats()).values())
    if (one.type === 'outbound-rtp' && one.kind === 'video') sent[one.rid] = { width: one.frameWidth, height: one.frameHeight, frames: one.framesSent };
  return sent;
}

/** Sends nothing of this kind for a while, and then the same as before. */
async function rest(name, kind, ms) {
  const sender = state.handles[name].webrtcStuff.pc.getSenders().find(({ track }) => track?.kind === kind), { track } = sender;
  await sender.replaceTrack(null);
  await new Promise((resolve) => setTimeout(resolve, ms));
  await sender.replaceTrack(track);
}

window.app = { rest, encoding, encodings, grant, hangup, state, join, openJanus, attach, echo, restart, stats, called };
