// SPDX-License-Identifier: Apache-2.0
// One PeerConnection to one other participant, by way of the gate: perfect negotiation (WebRTC 1.0, section 10.7).

/**
 * The impolite side makes the first offer with one audio and one video section, and the polite side sends in the
 * sections it is offered. So there is one section a medium, whoever has a camera, and turning one on
 * later is a replaceTrack. The gate is ICE-lite and ignores a client's candidates, so none are sent.
 */
export class Peer {
  #pc;
  #polite;
  #send;
  #media;
  #events;
  #makingOffer = false;
  #ignoringOffer = false;
  #senders = { audio: null, video: null };
  #incoming = Promise.resolve();

  /**
   * @param {object} options
   * @param {boolean} options.polite as the gate said in `peer.ready`
   * @param {RTCIceServer[]} options.iceServers
   * @param {RTCCertificate[]} [options.certificates] the browser makes one where there is none
   * @param {import('./recgate-media.js').LocalMedia} options.media
   * @param {(signal: object) => void} options.send to the other participant
   * @param {{track: Function, state: Function, error: Function}} options.events
   */
  constructor({ polite, iceServers, certificates = [], media, send, events }) {
    this.#polite = polite;
    this.#media = media;
    this.#send = send;
    this.#events = events;
    /** Everything the other participant sends. */
    this.stream = new MediaStream();
    this.#pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', iceServers, ...(certificates.length > 0 && { certificates }) });
    this.#pc.onnegotiationneeded = () => this.#offer();
    this.#pc.ontrack = ({ track }) => {
      this.stream.addTrack(track);
      this.#events.track(track, this.stream);
    };
    this.#pc.oniceconnectionstatechange = () => {
      if (this.#pc.iceConnectionState === 'failed') this.#pc.restartIce();
    };
    this.#pc.onconnectionstatechange = () => this.#events.state(this.#pc.connectionState);
    if (!polite) this.#addSections();
  }

  /** For statistics. */
  get connection() {
    return this.#pc;
  }

  /** A `signal` of the other participant. Taken one after the other: an answer may not be overtaken by an offer. */
  receive(signal) {
    this.#incoming = this.#incoming.then(() => this.#take(signal)).catch((error) => this.#fail(error));
    return this.#incoming;
  }

  /** Sends another track, or none, without renegotiation. */
  async replace(kind, track) {
    if (this.#senders[kind]) await send(this.#senders[kind], track);
  }

  close() {
    this.#pc.onnegotiationneeded = this.#pc.ontrack = null;
    this.#pc.oniceconnectionstatechange = this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }

  #addSections() {
    for (const kind of ['audio', 'video']) {
      const options = { direction: 'sendrecv', streams: [this.#media.stream] };
      const track = this.#media.tracks[kind];
      this.#senders[kind] = this.#pc.addTransceiver(track ?? kind, { ...options, sendEncodings: [{ active: track !== null }] }).sender;
    }
  }

  async #adoptSections() {
    for (const transceiver of this.#pc.getTransceivers()) {
      const { kind } = transceiver.receiver.track;
      if (this.#senders[kind]) continue;
      this.#senders[kind] = transceiver.sender;
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams?.(this.#media.stream);
      await send(transceiver.sender, this.#media.tracks[kind]);
    }
  }

  async #offer() {
    try {
      this.#makingOffer = true;
      await this.#pc.setLocalDescription();
      this.#send({ description: this.#describe() });
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#makingOffer = false;
    }
  }

  async #take({ description, candidate }) {
    if (description) await this.#takeDescription(description);
    if (!candidate) return;
    // Candidates of an offer that was ignored belong to nothing.
    await this.#pc.addIceCandidate(candidate).catch((error) => { if (!this.#ignoringOffer) throw error; });
  }

  async #takeDescription(description) {
    const collides = description.type === 'offer' && (this.#makingOffer || this.#pc.signalingState !== 'stable');
    this.#ignoringOffer = !this.#polite && collides;
    if (this.#ignoringOffer) return;
    await this.#pc.setRemoteDescription(description);
    if (description.type !== 'offer') return;
    await this.#adoptSections();
    await this.#pc.setLocalDescription();
    this.#send({ description: this.#describe() });
  }

  #describe() {
    const { type, sdp } = this.#pc.localDescription;
    return { type, sdp };
  }

  #fail(error) {
    if (this.#pc.signalingState !== 'closed') this.#events.error(error);
  }
}

/** A sender without a track still sends a black frame a second in Firefox, unless its encoding is off. */
async function send(sender, track) {
  await sender.replaceTrack(track);
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = track !== null;
  await sender.setParameters(parameters);
}
