// SPDX-License-Identifier: Apache-2.0
// Camera and microphone before joining: open what there is, show it, let people choose, and go on without.

import { $, el, show } from './dom.js';
import { strings } from './strings.js';
import { say } from './words.js';

export class Devices {
  /** @type {{audio: MediaStreamTrack | null, video: MediaStreamTrack | null}} */
  tracks = { audio: null, video: null };
  #opening = Promise.resolve();

  constructor() {
    for (const id of ['use-microphone', 'use-camera', 'microphones', 'cameras']) $(id).addEventListener('change', () => this.open());
  }

  /** The constraints that were chosen, for turning a device on later. */
  get constraints() {
    return { audio: chosen('microphones'), video: { ...chosen('cameras'), width: { ideal: 1280 }, height: { ideal: 720 } } };
  }

  /** Opens what is ticked; one after the other, so that the last choice is the one that stays. */
  open() {
    this.#opening = this.#opening.then(() => this.#reopen());
    return this.#opening;
  }

  /** The names of the devices, in another language. */
  speak() {
    return fillChoices();
  }

  /** Hands the tracks over; the preview ends. */
  async take() {
    await this.#opening;
    const taken = this.tracks;
    this.tracks = { audio: null, video: null };
    $('preview').srcObject = null;
    return taken;
  }

  /** Releases both devices. */
  async release() {
    const { audio, video } = await this.take();
    audio?.stop();
    video?.stop();
  }

  async #reopen() {
    this.tracks.audio?.stop();
    this.tracks.video?.stop();
    this.tracks = { audio: null, video: null };
    const wanted = { audio: $('use-microphone').checked, video: $('use-camera').checked };
    note(wanted.audio || wanted.video ? 'mediaWaiting' : '');
    const stream = await this.#openWhatOpens(wanted);
    this.tracks = { audio: stream?.getAudioTracks()[0] ?? null, video: stream?.getVideoTracks()[0] ?? null };
    $('preview').srcObject = this.tracks.video && new MediaStream([this.tracks.video]);
    show('preview-none', !this.tracks.video);
    note(lacking(wanted, this.tracks));
    await fillChoices();
  }

  /** A missing or refused camera must not cost the microphone, nor the other way round. */
  async #openWhatOpens({ audio, video }) {
    const constraints = { audio: audio && this.constraints.audio, video: video && this.constraints.video };
    const attempts = [constraints, { audio: constraints.audio, video: false }, { audio: false, video: constraints.video }];
    for (const attempt of attempts.filter((each) => each.audio || each.video)) {
      const stream = await navigator.mediaDevices?.getUserMedia(attempt).catch(() => null);
      if (stream) return stream;
    }
    return null;
  }
}

function chosen(id) {
  const { value } = $(id);
  return value ? { deviceId: { exact: value } } : {};
}

function note(key) {
  say('media-note', key);
  show('media-note', key !== '');
}

function lacking(wanted, { audio, video }) {
  if (wanted.audio && !audio) return 'mediaNone';
  return wanted.video && !video ? 'mediaNoCamera' : '';
}

async function fillChoices() {
  const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
  for (const [id, kind, label] of [['microphones', 'audioinput', strings.microphone], ['cameras', 'videoinput', strings.camera]]) {
    const list = $(id);
    const { value } = list;
    const found = devices.filter((device) => device.kind === kind && device.deviceId);
    list.replaceChildren(...found.map((device, index) => el('option', { value: device.deviceId }, device.label || strings.device(label, index + 1))));
    if (found.some((device) => device.deviceId === value)) list.value = value;
    list.setAttribute('aria-label', label);
    list.hidden = found.length < 2;
  }
}
