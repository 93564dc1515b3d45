// SPDX-License-Identifier: Apache-2.0
// What a test puts into a page before the page's own scripts: references for looking on, and a camera and microphone whose content is known.
// Both functions run inside the page, so they may use nothing from out here.

/** Keeps the page's peer connections and sockets, and writes down each message with the wall clock. */
export function lookOn() {
  const kept = { peers: [], sockets: [], wire: [] };
  Object.defineProperty(window, '__kept', { value: kept });
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args);
      kept.peers.push(this);
    }
  };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      kept.sockets.push(this);
      this.addEventListener('message', (event) => kept.wire.push({ way: 'in', at: Date.now(), message: JSON.parse(event.data) }));
    }
    send(text) {
      kept.wire.push({ way: 'out', at: Date.now(), message: JSON.parse(text) });
      super.send(text);
    }
  };
}

/** Each picture, or sound, is offered and answered with this codec first ('video/H264', 'audio/red'): what the answer names first is sent. */
export function preferCodec(mimeType) {
  const kind = mimeType.split('/')[0];
  const { codecs } = RTCRtpReceiver.getCapabilities(kind);
  const first = codecs.filter((codec) => codec.mimeType === mimeType);
  const prototype = RTCPeerConnection.prototype;
  for (const name of ['createOffer', 'createAnswer', 'setLocalDescription']) {
    const real = prototype[name];
    prototype[name] = function (...args) {
      for (const one of this.getTransceivers())
        if (one.receiver.track.kind === kind) one.setCodecPreferences([...first, ...codecs.filter((codec) => !first.includes(codec))]);
      return real.apply(this, args);
    };
  }
}

/**
 * getUserMedia gives a canvas of scale times 320×240 that shows the time in 32 black and white cells, and silence. __source.flash(true): the lower part
 * turns white and a tone sounds, at once. media.mjs reads them back. The tone is an oscillator, or, where there is no sound card for an
 * AudioContext to run on (Firefox needs one), the browser's own fake microphone, switched on and off.
 */
export function knownSource({ fps, scale = 1 }) {
  const source = { flashing: false, flashes: [], sound: () => {} };
  Object.defineProperty(window, '__source', { value: source });
  const canvas = document.createElement('canvas');
  canvas.width = 320 * scale;
  canvas.height = 240 * scale;
  const context = canvas.getContext('2d', { alpha: false });
  context.scale(scale, scale);
  const draw = () => {
    const now = Date.now() % 2 ** 32;
    context.fillStyle = source.flashing ? '#fff' : '#555';
    context.fillRect(0, 0, 320, 240);
    for (let bit = 0; bit < 32; bit++) {
      context.fillStyle = Math.floor(now / 2 ** bit) % 2 ? '#fff' : '#000';
      context.fillRect((bit % 16) * 20, Math.floor(bit / 16) * 40, 20, 40);
    }
  };
  setInterval(draw, 1000 / fps);
  draw();
  source.flash = (on) => {
    source.flashing = on;
    source.flashes.push({ on, at: Date.now() });
    source.sound(on);
    draw();
  };

  const devices = navigator.mediaDevices;
  if (!devices) return; // Firefox's about:blank, before the page
  const fakeMicrophone = devices.getUserMedia.bind(devices);
  const oscillator = () => {
    const sound = new AudioContext({ sampleRate: 48_000 });
    const [tone, loud] = [new OscillatorNode(sound, { frequency: 1000 }), new GainNode(sound, { gain: 0 })];
    const out = new MediaStreamAudioDestinationNode(sound, { channelCount: 1 });
    tone.connect(loud).connect(out);
    tone.start();
    sound.resume();
    addEventListener('click', () => sound.resume(), true);
    source.sound = (on) => loud.gain.setValueAtTime(on ? 0.5 : 0, sound.currentTime);
    return out.stream.getAudioTracks()[0];
  };
  const microphone = async () => {
    const track = (await fakeMicrophone({ audio: true })).getAudioTracks()[0];
    const { set } = Object.getOwnPropertyDescriptor(MediaStreamTrack.prototype, 'enabled');
    let unmuted = true; // what the page wants; the track sounds when it is lit, too
    const apply = () => set.call(track, unmuted && source.flashing);
    const get = () => unmuted;
    Object.defineProperty(track, 'enabled', { get, set: (on) => apply((unmuted = on)) });
    source.sound = apply;
    apply();
    return track;
  };
  devices.getUserMedia = async (constraints) => {
    const stream = new MediaStream();
    if (constraints.audio) stream.addTrack(navigator.userAgent.includes('Firefox') ? await microphone() : oscillator());
    if (constraints.video) stream.addTrack(canvas.captureStream(fps).getVideoTracks()[0]);
    return stream;
  };
}
