// SPDX-License-Identifier: Apache-2.0
// An application of Janus as there are many: janus.js from npm, EchoTest and VideoRoom by its book. It knows of the gate that its address is the
// server's, and that its token is the client's; beside it the client module asks and answers for the recording.
/* global adapter */
import Janus from '/janus.js';
import { RecgateClient } from '/recgate.js';

const ready = new Promise((resolve) => Janus.init({ debug: ['error'], callback: resolve, dependencies: Janus.useDefaultDependencies({ adapter }) }));
const state = { errors: [], data: [], hangups: [], published: [], states: [], handles: {}, tracks: {} };

/** janus.js answers by callbacks. */
const called = (call, options = {}) => new Promise((resolve, reject) => call({ ...options, success: resolve, error: (why) => reject(new Error(why?.message ?? why)) }));

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
async function attach(name, plugin, more = {}) {
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

const offer = (handle, tracks, more = {}) => called((options) => handle.createOffer(options), { tracks, ...more });

async function echo({ data = true, name = 'echo', simulcast = false, audio = true } = {}) {
  const handle = await attach(name, 'echotest', { onmessage: (message, jsep, own) => jsep && own.handleRemoteJsep({ jsep }) });
  const tracks = [...(audio ? [{ type: 'audio', capture: true, recv: true }] : []), { type: 'video', capture: true, recv: true, simulcast }, ...(data ? [{ type: 'data' }] : [])];
  const jsep = await offer(handle, tracks);
  await called((options) => handle.send(options), { message: { audio, video: true }, jsep });
  return handle.getId();
}

const hangup = (name) => state.handles[name].hangup();

async function restart(name, message) {
  const handle = state.handles[name];
  const jsep = await offer(handle, [], { iceRestart: true });
  await called((options) => handle.send(options), { message, jsep });
}

/** Publishes and subscribes to everyone, all of them in one PeerConnection down (multistream). */
async function enterRoom(room, display) {
  await attach('up', 'videoroom', { onmessage: (message, jsep, handle) => onRoom(room, message, jsep, handle) });
  await called((options) => state.handles.up.send(options), { message: { request: 'join', ptype: 'publisher', room, display } });
}

async function onRoom(room, message, jsep, handle) {
  if (jsep) handle.handleRemoteJsep({ jsep });
  if (message.videoroom === 'joined') {
    state.private_id = message.private_id;
    await publish().catch((error) => state.errors.push(error.message));
  }
  if (message.error) state.errors.push(message.error);
  if (message.publishers?.length) await subscribe(room, message.publishers);
}

async function publish() {
  const jsep = await offer(state.handles.up, [{ type: 'audio', capture: true, recv: false }, { type: 'video', capture: true, recv: false }]);
  await called((options) => state.handles.up.send(options), { message: { request: 'configure', audio: true, video: true }, jsep });
}

async function subscribe(room, publishers) {
  const streams = publishers.map(({ id }) => ({ feed: id }));
  state.published.push(...publishers.map(({ display }) => display));
  if (state.handles.down) {
    await state.subscribed;
    await called((options) => state.handles.down.send(options), { message: { request: 'subscribe', streams } });
    return;
  }
  state.subscribed = (async () => {
    const down = await attach('down', 'videoroom', { onmessage: (message, jsep, own) => jsep && answer(own, jsep) });
    await called((options) => down.send(options), { message: { request: 'join', ptype: 'subscriber', room, private_id: state.private_id, streams } });
  })();
  state.handles.down ??= 'coming';
  await state.subscribed;
}

async function answer(handle, jsep) {
  const own = await called((options) => handle.createAnswer(options), { jsep, tracks: [] });
  await called((options) => handle.send(options), { message: { request: 'start' }, jsep: own });
}

/** Packets and frames that came in and went out on one handle's PeerConnection, and its state. */
async function stats(name) {
  const pc = state.handles[name]?.webrtcStuff?.pc;
  const sum = { state: pc?.connectionState, in: {}, frames: [], out: {} };
  for (const one of pc ? (await pc.getStats()).values() : []) {
    if (one.type === 'inbound-rtp') sum.in[one.kind] = (sum.in[one.kind] ?? 0) + one.packetsReceived;
    if (one.type === 'inbound-rtp' && one.kind === 'video') sum.frames.push(one.framesDecoded);
    if (one.type === 'outbound-rtp') sum.out[one.kind] = (sum.out[one.kind] ?? 0) + one.packetsSent;
  }
  sum.ufrag = /a=ice-ufrag:(\S+)/.exec(pc?.remoteDescription?.sdp ?? '')?.[1];
  sum.candidates = (pc?.remoteDescription?.sdp.match(/a=candidate:.*/g) ?? []);
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

window.app = { rest, encoding, encodings, grant, hangup, state, join, openJanus, attach, echo, restart, enterRoom, publish, stats, called };
