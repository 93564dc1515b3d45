// SPDX-License-Identifier: Apache-2.0
// What this person sends: one microphone and one camera, the same to every peer.

/** Owner of the local tracks. Peers are told of every change by `onChange(kind, track)`. */
export class LocalMedia {
  /** The group that ties voice and picture together for lip sync; its tracks are never read. */
  stream = new MediaStream();
  /** @type {{audio: MediaStreamTrack | null, video: MediaStreamTrack | null}} */
  tracks = { audio: null, video: null };
  #onChange;

  /** @param {(kind: 'audio' | 'video', track: MediaStreamTrack | null) => Promise<unknown>} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get microphoneOn() {
    return this.tracks.audio?.enabled === true && this.tracks.audio.readyState === 'live';
  }

  get cameraOn() {
    return this.tracks.video?.readyState === 'live';
  }

  /**
   * A mute only silences the track, so that unmuting cannot fail and costs no renegotiation.
   * @param {boolean | MediaStreamTrack} on
   * @param {MediaTrackConstraints | boolean} constraints of the microphone to open where there is none yet
   */
  async setMicrophone(on, constraints = true) {
    if (on instanceof MediaStreamTrack) return this.#use('audio', on);
    if (on && !this.tracks.audio) return this.#open('audio', constraints);
    if (this.tracks.audio) this.tracks.audio.enabled = on;
    return this.tracks.audio;
  }

  /**
   * Off means off: the device is released and no frame is sent, black ones neither.
   * @param {boolean | MediaStreamTrack} on
   * @param {MediaTrackConstraints | boolean} constraints of the camera to open
   */
  async setCamera(on, constraints = true) {
    if (on instanceof MediaStreamTrack) return this.#use('video', on);
    if (on && this.cameraOn) return this.tracks.video;
    return on ? this.#open('video', constraints) : this.#use('video', null);
  }

  /** Releases both devices. */
  async stop() {
    await Promise.all([this.#use('audio', null), this.#use('video', null)]);
  }

  async #open(kind, constraints) {
    const opened = await navigator.mediaDevices.getUserMedia({ [kind]: constraints });
    return this.#use(kind, opened.getTracks()[0]);
  }

  async #use(kind, track) {
    const former = this.tracks[kind];
    this.tracks[kind] = track;
    if (former && former !== track) former.stop();
    await this.#onChange(kind, track);
    return track;
  }
}
