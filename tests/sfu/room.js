// SPDX-License-Identifier: Apache-2.0
// A VideoRoom as Janus's own demo pages use it: one handle publishes, others subscribe, either one for each publisher (as videoroomtest does) or
// one for all of them (mvideoroom). Streams that come and go later are subscribed to and let go of.
import { attach, called, offer, state } from '/page.js';

const room = { id: undefined, each: false, feeds: new Map(), turn: Promise.resolve() };
const say = (handle, message, jsep) => called((options) => handle.send(options), { message, jsep });

/**
 * each: a handle for each publisher. capture: {audio, video} as janus.js takes them; false: none of it, and with neither this is somebody who only
 * listens.
 */
async function enterRoom(id, display, { each = false, capture = { audio: true, video: true } } = {}) {
  Object.assign(room, { id, each, capture });
  const up = await attach('up', 'videoroom', { onmessage });
  await say(up, { request: 'join', ptype: 'publisher', room: id, display });
}

async function onmessage(message, jsep, handle) {
  if (jsep) handle.handleRemoteJsep({ jsep });
  if (message.error) state.errors.push(message.error);
  if (message.videoroom === 'joined') {
    state.private_id = message.private_id;
    if (room.capture.audio || room.capture.video) await publish().catch((error) => state.errors.push(error.message));
  }
  if (message.publishers?.length) inTurn(() => follow(message.publishers));
  const gone = message.leaving ?? message.unpublished;
  if (gone && gone !== 'ok') inTurn(() => letGo(gone));
}

/** One after the other: two requests for streams at once are two offers at once. */
function inTurn(act) {
  room.turn = room.turn.then(act).catch((error) => state.errors.push(error.message));
}

async function publish() {
  const tracks = ['audio', 'video'].filter((type) => room.capture[type]).map((type) => ({ type, capture: room.capture[type], recv: false }));
  const jsep = await offer(state.handles.up, tracks);
  await say(state.handles.up, { request: 'configure', audio: Boolean(room.capture.audio), video: Boolean(room.capture.video) }, jsep);
}

/** Tracks added, replaced or removed, as janus.js names them; told by renegotiation. */
async function change(tracks) {
  const jsep = await offer(state.handles.up, tracks);
  await say(state.handles.up, { request: 'configure' }, jsep);
}

/** A wide picture that changes. */
function drawn() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const context = canvas.getContext('2d');
  let line = 0;
  const draw = () => {
    context.fillStyle = line % 2 ? '#246' : '#fff';
    context.fillRect(0, (line++ % 36) * 10, 640, 10);
  };
  draw();
  setInterval(draw, 100);
  return canvas.captureStream(10);
}

/** A shared screen beside the camera. Gives its mid. Headless Chromium pretends to have one, as it does a camera; headless Firefox has none. */
async function share() {
  const stream = navigator.userAgent.includes('Chrome/') ? await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 10 } }) : drawn();
  const [track] = stream.getVideoTracks();
  track.contentHint = 'detail';
  await change([{ type: 'screen', add: true, capture: track, recv: false }]);
  return state.handles.up.webrtcStuff.pc.getTransceivers().find(({ sender }) => sender.track === track).mid;
}

/** What a handle of janus.js does by itself: muteAudio, unmuteVideo and the like. */
const toggle = (name, ...args) => state.handles.up[name](...args);

async function follow(publishers) {
  const wanted = new Map();
  for (const { id, display, streams = [] } of publishers) {
    if (!room.feeds.has(id)) room.feeds.set(id, new Set()) && state.published.push(display);
    const known = room.feeds.get(id);
    const fresh = streams.filter(({ mid, disabled }) => !disabled && !known.has(mid));
    fresh.forEach(({ mid }) => known.add(mid));
    const name = room.each ? `down:${id}` : 'down';
    wanted.set(name, [...(wanted.get(name) ?? []), ...fresh.map(({ mid }) => ({ feed: id, mid }))]);
  }
  for (const [name, streams] of wanted) if (streams.length > 0) await subscribe(name, streams);
}

async function subscribe(name, streams) {
  if (state.handles[name]) return say(state.handles[name], { request: 'subscribe', streams });
  const complain = (own) => (error) => state.handles[name] === own && state.errors.push(error.message); // Janus offers once more to who is about to let go
  const down = await attach(name, 'videoroom', { onmessage: (message, jsep, own) => jsep && answer(own, jsep).catch(complain(own)) });
  return say(down, { request: 'join', ptype: 'subscriber', room: room.id, private_id: state.private_id, streams });
}

async function letGo(id) {
  if (!room.feeds.delete(id)) return;
  if (!room.each) return say(state.handles.down, { request: 'unsubscribe', streams: [{ feed: id }] });
  const name = `down:${id}`, own = state.handles[name];
  delete state.handles[name];
  return own && called((options) => own.detach(options));
}

async function answer(handle, jsep) {
  const own = await called((options) => handle.createAnswer(options), { jsep, tracks: [] });
  await say(handle, { request: 'start' }, own);
}

Object.assign(window.app, { change, enterRoom, publish, share, toggle });
