// SPDX-License-Identifier: Apache-2.0
// The client of a recgate: joins a session, keeps its consent alive, negotiates media, asks, answers, withdraws.
// Works by itself in any page that may reach the gate; PROTOCOL.md is its contract, docs/client.md shows it in use.

import { canonicalSha256 } from './recgate-canonical.js';
import { LocalMedia } from './recgate-media.js';
import { Peer } from './recgate-peer.js';
import { Signer, fingerprintsOf } from './recgate-signature.js';
import { RecgateError, WITHDRAW_ENDS, WITHDRAW_REPEAT_MS, withdrawByHttp } from './recgate-withdraw.js';

export { RecgateError, previewWithdrawal, withdrawUntilDone, withdrawWithKey } from './recgate-withdraw.js';

const ANSWER_MS = 15000;
const JOIN_MS = 10000;
const LEAVE_MS = 5000;
// The answer to the last heartbeat may still come before the number that is to be confirmed; more would be ping-pong, since an `alive` is answered by one.
const LAST_ECHOES = 3;
// A quarter second to find a restarted gate at once, and far below `absent_ms` at the longest (R3: a grant survives until then).
const BACKOFF_MS = { first: 250, longest: 4000 };

/** Refusals of a join that time may heal; every other one ends the client. */
const JOIN_AGAIN = new Set(['storage', 'too_many', 'too_many_sessions']);
/** Events and their details are typed in recgate.d.ts. */
export class RecgateClient extends EventTarget {
  /** @type {'new' | 'connecting' | 'joined' | 'reconnecting' | 'replaced' | 'leaving' | 'left' | 'ended' | 'refused'} */
  connection = 'new';
  /** @type {string | null} one's own participant id */
  self = null;
  /** @type {string | null} */
  session = null;
  /** @type {Map<string, {id: string, name: string, role: string}>} everyone on the roster, oneself included */
  participants = new Map();
  /** The last `recording.state`. @type {import('./recgate.d.ts').RecordingInfo} */
  recording = { state: 'idle' };
  /** Who is responsible for recordings here: {name, contact}; null before joining. @type {import('./recgate.d.ts').RecgateClient['controller']} */
  controller = null;
  /** The last `consent.state`, null before the first request. @type {import('./recgate.d.ts').Consents | null} */
  consents = null;
  /** What one had agreed to when joining, in writing or before a reconnect: 'all', 'audio' or 'video'; null: nothing. */
  agreed = null;
  /** Had somebody asked to record in this session before one joined? Then there may be something to withdraw from (R6). */
  askedBefore = false;

  #socket = null;
  #url;
  #token;
  #serial = 0;
  #waiting = new Map();
  #asks = new Map();
  #lastAsk = null;
  #peers = new Map();
  #media = new LocalMedia((kind, track) => Promise.all([...this.#peers.values()].map((peer) => peer.replace(kind, track))));
  #iceServers = [];
  #echo = 0;
  #unanswered = 0;
  #unansweredMax = 0;
  #heartbeat = 0;
  #attempts = 0;
  #retry = 0;
  #joining = null;
  #leaving = null;
  #withdrawal = null;
  /** @type {Record<string, string>} */
  #withdrawKeys = {};
  #signer = new Signer();
  #certificates = [];

  /**
   * @param {{url?: string | URL, token: string, withdrawKeys?: Record<string, string>}} [gate] as of `connect`; given here, one can withdraw
   *   without joining. withdrawKeys: those of earlier receipts, by request; they withdraw where the token is refused
   */
  constructor(gate) {
    super();
    if (gate) this.#aim(gate);
  }

  /**
   * Opens the socket, joins, and from then on keeps the connection: a lost socket is opened again and joined again.
   * @param {{url?: string | URL, token: string}} [gate] url: the gate's WebSocket; default `/v1/ws` of the page's own host
   * @returns {Promise<object>} the gate's `joined`
   */
  connect(gate) {
    if (this.#joining) throw new RecgateError('already_connected', 'This client has been connected before; make a new one.');
    if (gate) this.#aim(gate);
    this.#joining = deferred();
    this.#setConnection('connecting');
    this.#makeCertificate();
    this.#open();
    return this.#joining.promise;
  }

  /** The request that is to be answered or was answered last, with its disclosure; null without one. */
  get ask() {
    const request = this.recording.request ?? this.consents?.request;
    return (request === undefined ? this.#lastAsk : this.#asks.get(request)) ?? null;
  }

  get microphoneOn() { return this.#media.microphoneOn; }

  get cameraOn() { return this.#media.cameraOn; }

  /** A withdrawal was sent and is not acknowledged yet. */
  get withdrawing() { return this.#withdrawal !== null; }

  /** The local picture, for a self view; null with the camera off. */
  get cameraTrack() { return this.#media.tracks.video; }

  /** Mutes, unmutes, or sends this track. */
  setMicrophone(on, constraints) { return this.#media.setMicrophone(on, constraints); }

  /** Off releases the device and sends nothing; on opens it, or sends this track. No renegotiation either way. */
  setCamera(on, constraints) { return this.#media.setCamera(on, constraints); }

  /** The RTCPeerConnection to a participant, for statistics. */
  peerConnection(id) { return this.#peers.get(id)?.connection; }

  /** Asks everyone to agree to a recording (R1, R2). Counts as one's own grant. */
  async request(disclosure) {
    const answer = await this.#ask('recording.request', { disclosure });
    const asked = { request: answer.request, from: this.self, disclosure, disclosure_sha256: answer.disclosure_sha256, verified: false };
    if (!this.#asks.has(asked.request)) this.#keepAsk(asked);
    this.#keepReceipt(answer, 'request', answer.request);
    return answer;
  }

  /**
   * Agrees to exactly the text whose hash this client computed itself (R3).
   * @param {{request?: string, media?: ('audio' | 'video')[], connections?: Iterable<RTCPeerConnection>}} [choice]
   *   media ['audio']: one's video is never recorded (R16). connections: one's own to an SFU, which this client did not make
   */
  async grant({ request = this.ask?.request, media, connections } = {}) {
    const ask = this.#asks.get(request);
    if (!ask) throw new RecgateError('no_request', 'There is no request to agree to.');
    const signature = await this.#signed(ask, media, connections);
    const answer = await this.#ask('consent.grant', { request, disclosure_sha256: ask.disclosure_sha256, ...(media && { media }), ...(signature && { signature }) });
    this.#keepReceipt(answer, 'grant', request, media);
    return answer;
  }

  /** The grant in the client's own hand, over the certificates that its media is sent with. */
  #signed({ request, disclosure_sha256 }, media = ['audio', 'video'], connections) {
    const fingerprints = fingerprintsOf([...[...this.#peers.values()].map((peer) => peer.connection), ...(connections ?? [])]);
    const word = media.length === 2 ? 'all' : media[0];
    return this.#signer.sign({ decision: 'grant', disclosure_sha256, fingerprints, media: word, participant: this.self, request, session: this.session });
  }

  /** Says no. Final for this session, unless one lifts it oneself with `offer` (R4). */
  async decline({ request = this.ask?.request } = {}) {
    const answer = await this.#ask('consent.decline', { request });
    this.#keepReceipt(answer, 'decline', request);
    return answer;
  }

  /** Lifts one's own no, so that one may be asked again (R4). */
  async offer() {
    const answer = await this.#ask('consent.offer');
    this.#keepReceipt(answer, 'offer');
    return answer;
  }

  pause() { return this.#ask('recording.pause'); }

  resume() { return this.#ask('recording.resume'); }

  stop() { return this.#ask('recording.stop'); }

  /**
   * Reports an unauthorised recording, or disputes something about this session (R25). Settles when it is on record.
   * @param {string} text @param {{kind?: 'violation' | 'dispute'}} [options]
   */
  report(text, { kind = 'violation' } = {}) { return this.#ask('violation.report', { text, kind }); }

  /** Ends the session for everybody, for roles that may ask to record; everyone can still withdraw. */
  endForAll() { return this.#ask('session.end'); }

  /**
   * Withdraws consent: at any time, also after leaving (R6). Repeated until the gate has acknowledged that what had to
   * be erased is erased (R13), however often the socket is lost meanwhile.
   * @param {{request?: string, scope?: 'session' | 'participant' | 'after'}} [options] none: every recording one was in, as disclosed
   */
  withdraw({ request, scope } = {}) {
    if (this.#withdrawal) {
      // Asking for more while waiting widens what is repeated; it never narrows it (R12).
      if (scope === 'session') {
        this.#withdrawal.message.scope = scope;
        this.#repeatWithdrawal();
      }
      return this.#withdrawal.promise;
    }
    const message = { type: 'consent.withdraw', id: this.#nextId(), ...(request && { request }), ...(scope && { scope }) };
    this.#withdrawal = { ...deferred(), message, timer: setInterval(() => this.#repeatWithdrawal(), WITHDRAW_REPEAT_MS) };
    this.#repeatWithdrawal();
    return this.#withdrawal.promise;
  }

  /** Ends the call for oneself; what was recorded stays under one's consent, and one can still withdraw (R15). */
  leave() {
    if (this.#leaving) return this.#leaving.promise;
    this.#leaving = { ...deferred(), echoes: LAST_ECHOES };
    clearTimeout(this.#retry);
    this.#closePeers();
    this.#media.stop();
    this.#setConnection('leaving');
    if (this.#socket && this.#send({ type: 'leave' })) {
      // The gate may want one last `alive` before it closes the socket: it confirms the last segment (R10).
      clearInterval(this.#heartbeat);
      setTimeout(() => this.#left(), LEAVE_MS);
    } else {
      this.#left();
    }
    return this.#leaving.promise;
  }

  /** @param {{url?: string | URL, token: string, withdrawKeys?: Record<string, string>}} gate */
  #aim({ url = new URL('/v1/ws', location.href), token, withdrawKeys }) {
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace('http', 'ws');
    this.#token = token;
    Object.assign(this.#withdrawKeys, withdrawKeys);
  }

  /** One for all connections of this client, so that what a grant is tied to (R24) outlives a connection that is made anew. */
  async #makeCertificate() {
    const made = await globalThis.RTCPeerConnection?.generateCertificate(/** @type {EcKeyGenParams} */ ({ name: 'ECDSA', namedCurve: 'P-256' })).catch(() => null);
    if (made) this.#certificates = [made];
  }

  #emit(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #setConnection(state, error) {
    this.connection = state;
    this.#emit('connection', { state, error });
  }

  #nextId() {
    this.#serial += 1;
    return String(this.#serial);
  }

  #open() {
    const socket = new WebSocket(this.#url, ['recgate.v1']);
    this.#socket = socket;
    this.#echo = 0;
    this.#unanswered = 0;
    this.#retry = setTimeout(() => this.#lost(1006, 'the gate did not answer'), JOIN_MS);
    socket.onopen = () => this.#send({ type: 'join', id: 'join', token: this.#token });
    socket.onmessage = ({ data }) => { if (this.#socket === socket) this.#receive(JSON.parse(data)); };
    socket.onclose = ({ code, reason }) => { if (this.#socket === socket) this.#lost(code, reason); };
  }

  #send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Sends a request; resolves with what answers it. */
  #ask(type, fields = {}) {
    const id = this.#nextId();
    const waiting = { ...deferred(), timer: 0 };
    if (this.connection !== 'joined' || !this.#send({ type, id, ...fields })) {
      waiting.reject(new RecgateError('not_connected', 'There is no connection to the call right now.'));
      return waiting.promise;
    }
    waiting.timer = setTimeout(() => this.#settle(id, new RecgateError('timeout', 'The gate did not answer.')), ANSWER_MS);
    this.#waiting.set(id, waiting);
    return waiting.promise;
  }

  #settle(id, error, message) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return false;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    if (error) waiting.reject(error);
    else waiting.resolve(message);
    return true;
  }

  #receive(message) {
    if (Number.isInteger(message.n)) this.#echo = message.n;
    this.#unanswered = 0;
    if (message.type === 'error') this.#refused(message);
    else RecgateClient.#receivers[message.type]?.call(this, message);
    if (message.re !== undefined) this.#settle(message.re, null, message);
  }

  #refused({ re, code, message }) {
    const error = new RecgateError(code, message);
    if (re === 'join') this.#joinRefused(error);
    else if (re !== undefined && re === this.#withdrawal?.message.id) this.#withdrawRefused(error);
    else if (!this.#settle(re, error)) this.#emit('error', { error });
  }

  #joinRefused(error) {
    if (JOIN_AGAIN.has(error.code) && this.connection === 'reconnecting') return;
    this.#joining.reject(error);
    this.#end('refused', error);
  }

  #joined(message) {
    this.self = message.self;
    this.session = message.session;
    this.agreed = message.agreed ?? null;
    this.askedBefore = message.asked === true;
    this.#iceServers = message.ice_servers ?? [];
    this.controller = message.controller ?? null;
    this.#attempts = 0;
    clearTimeout(this.#retry);
    this.participants = new Map(message.participants.map((participant) => [participant.id, participant]));
    for (const id of this.#peers.keys()) if (!this.participants.has(id)) this.#closePeer(id);
    this.#setConnection('joined');
    this.#emit('participants', { participants: [...this.participants.values()] });
    if (message.recording) this.#recordingChanged(message.recording);
    this.#startHeartbeat(message.heartbeat_ms, message.lease_ms);
    if (this.#withdrawal) this.#repeatWithdrawal();
    this.#joining.resolve(message);
  }

  /** R10: from this thread, which also runs the page's Withdraw button, and from no worker. */
  #startHeartbeat(heartbeatMs, leaseMs) {
    clearInterval(this.#heartbeat);
    this.#unansweredMax = Math.ceil((2 * leaseMs) / heartbeatMs);
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    this.#beat();
  }

  #beat() {
    // A half-open socket never closes by itself. Counted, not timed: a frozen page must not blame the gate on waking up.
    if (this.#unanswered >= this.#unansweredMax) return this.#lost(1006, 'the gate fell silent');
    this.#unanswered += 1;
    return this.#alive();
  }

  #alive() {
    this.#send({ type: 'alive', ...(this.#echo && { echo: this.#echo }) });
  }

  #lastEcho() {
    if (!this.#leaving || this.#leaving.echoes === 0) return;
    this.#leaving.echoes -= 1;
    this.#alive();
  }

  #lost(code, reason) {
    const error = new RecgateError('connection_lost', reason || `The connection was closed (${code}).`);
    this.#dropSocket();
    clearTimeout(this.#retry);
    for (const id of [...this.#waiting.keys()]) this.#settle(id, error);
    if (this.#leaving) return this.#left();
    if (['replaced', 'ended', 'refused'].includes(this.connection)) return undefined;
    if (this.connection === 'connecting') {
      this.#joining.reject(error);
      return this.#end('refused', error);
    }
    if (this.connection !== 'reconnecting') this.#setConnection('reconnecting', error);
    const delay = Math.min(BACKOFF_MS.first * 2 ** this.#attempts, BACKOFF_MS.longest);
    this.#attempts += 1;
    // Spread, so that a restarted gate is not met by everyone in the same instant.
    this.#retry = setTimeout(() => this.#open(), delay * (0.5 + Math.random() / 2));
    return undefined;
  }

  #dropSocket() {
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.close();
  }

  #end(state, error) {
    this.#dropSocket();
    clearTimeout(this.#retry);
    this.#closePeers();
    this.#setConnection(state, error);
  }

  #left() {
    if (this.connection === 'left') return;
    this.#end('left');
    this.#leaving.resolve();
  }

  /** R15: somebody with a token of the same `sub` sits here now. This socket may only withdraw. */
  #replaced() {
    clearInterval(this.#heartbeat);
    this.#closePeers();
    this.#media.stop();
    this.#setConnection('replaced');
  }

  /** Somebody ended it for everybody. This socket may only withdraw; one last `alive` confirms what was recorded until then (R10). */
  #ended() {
    this.#alive();
    clearInterval(this.#heartbeat);
    this.#closePeers();
    this.#media.stop();
    this.#setConnection('ended');
  }

  #recordingChanged(recording) {
    this.recording = recording;
    this.#emit('recording', recording);
    // R10: a gate that closes waits for an echo later than its last packet; answering now confirms the last segment.
    if (recording.n !== undefined && recording.state !== 'recording' && this.connection === 'joined') this.#alive();
  }

  async #asked(message) {
    const { request, from, from_name, disclosure, disclosure_sha256: claimed } = message;
    const computed = await canonicalSha256(disclosure).catch(() => '');
    if (computed !== null && computed !== claimed) {
      this.#emit('error', { error: new RecgateError('disclosure_mismatch', 'A request came whose text is not the one it is signed as. It is not shown.') });
      return;
    }
    this.#keepAsk({ request, from, from_name, disclosure, disclosure_sha256: claimed, verified: computed !== null, message: message.message });
  }

  #keepAsk(ask) {
    this.#asks.set(ask.request, ask);
    this.#lastAsk = ask;
    this.#emit('ask', ask);
  }

  /** @param {{receipt?: any, withdraw_key?: string}} answer @param {string} act @param {string} [request] @param {string[]} [media] */
  #keepReceipt({ receipt, withdraw_key: withdrawKey }, act, request, media) {
    if (withdrawKey) this.#withdrawKeys[request] = withdrawKey;
    if (receipt === undefined) return;
    this.#emit('receipt', { act, request, receipt, ...(media && { media }), ...(withdrawKey && { withdraw_key: withdrawKey }) });
  }

  /** Of an act that the ledger took only later: what asked for it has been told `no_receipt`. */
  #lateReceipt(message) {
    if (message.re !== undefined) return;
    const { receipt } = message;
    const acts = { granted: message.type === 'recording.requested' ? 'request' : 'grant', declined: 'decline', offered: 'offer' };
    this.#keepReceipt(message, acts[receipt.events[0].event_state], receipt.request, ['audio', 'video'].includes(receipt.media) ? [receipt.media] : undefined);
  }

  #peerReady({ id, polite, call }) {
    this.#closePeer(id);
    const events = {
      track: (track, stream) => this.#emit('track', { id, track, stream }),
      state: (state) => this.#emit('peer', { id, state }),
      error: (error) => this.#emit('error', { error: new RecgateError('negotiation_failed', error.message) }),
    };
    // Where the gate numbers its calls, a description of the pair's former connection cannot be taken for one of this.
    const send = (signal) => this.#send({ type: 'signal', to: id, ...(call !== undefined && { call }), ...signal });
    this.#peers.set(id, new Peer({ polite, iceServers: this.#iceServers, certificates: this.#certificates, media: this.#media, send, events }));
    this.#emit('peer', { id, state: 'new' });
  }

  #closePeer(id) {
    const peer = this.#peers.get(id);
    if (!peer) return;
    peer.close();
    this.#peers.delete(id);
    this.#emit('peer', { id, state: 'closed' });
  }

  #closePeers() {
    for (const id of [...this.#peers.keys()]) this.#closePeer(id);
  }

  #rosterChanged(change) {
    change(this.participants);
    this.#emit('participants', { participants: [...this.participants.values()] });
  }

  #repeatWithdrawal() {
    const withdrawal = this.#withdrawal;
    const live = ['joined', 'replaced', 'ended'].includes(this.connection);
    if (live && this.#send(withdrawal.message)) return;
    this.#postWithdrawal(withdrawal);
  }

  /** Without a socket: after leaving, after the call, or while it is being opened again. */
  async #postWithdrawal(withdrawal) {
    const { request, scope } = withdrawal.message;
    const url = new URL('/v1/withdraw', this.#url);
    url.protocol = url.protocol.replace('ws', 'http');
    try {
      const done = await withdrawByHttp({ url, token: this.#token, keys: this.#withdrawKeys, request, scope });
      if (this.#withdrawal === withdrawal) this.#withdrawn(done);
    } catch (error) {
      if (this.#withdrawal === withdrawal) this.#withdrawRefused(error);
    }
  }

  #withdrawn(message) {
    const withdrawal = this.#withdrawal;
    if (!withdrawal) return;
    clearInterval(withdrawal.timer);
    this.#withdrawal = null;
    for (const receipt of message.receipts ?? [message.receipt]) this.#keepReceipt({ receipt }, 'withdraw', withdrawal.message.request);
    this.#emit('withdrawn', message);
    withdrawal.resolve(message);
  }

  #withdrawRefused(error) {
    const withdrawal = this.#withdrawal;
    const ends = WITHDRAW_ENDS.has(error.code);
    // Told once while it is repeated; where it ends, the promise tells.
    if (!ends && error instanceof RecgateError && error.code !== withdrawal.code) this.#emit('error', { error });
    withdrawal.code = error.code;
    if (!ends) return;
    clearInterval(withdrawal.timer);
    this.#withdrawal = null;
    withdrawal.reject(error);
  }

  /** One function a message type; `this` is the client. Unknown types are ignored, as PROTOCOL.md asks of both sides. */
  static #receivers = {
    joined(message) { this.#joined(message); },
    alive() { this.#lastEcho(); },
    replaced() { this.#replaced(); },
    'session.ended'() { this.#ended(); },
    signal({ from, call, ...signal }) { this.#peers.get(from)?.receive(signal); },
    'consent.ask'(message) { this.#asked(message); },
    'consent.state'(message) { this.consents = message; this.#emit('consents', message); },
    'consent.recorded'(message) { this.#lateReceipt(message); },
    'recording.requested'(message) { this.#lateReceipt(message); },
    'consent.withdrawn'(message) { this.#withdrawn(message); },
    'recording.state'(message) { this.#recordingChanged(message); },
    'peer.ready'(message) { this.#peerReady(message); },
    'participant.joined'({ participant }) { this.#rosterChanged((roster) => roster.set(participant.id, participant)); },
    'participant.left'({ id }) {
      this.#closePeer(id);
      this.#rosterChanged((roster) => roster.delete(id));
    },
  };
}

function deferred() {
  /** @type {{resolve: (value?: any) => void, reject: (error: Error) => void}} */
  let settle;
  const promise = new Promise((resolve, reject) => { settle = { resolve, reject }; });
  return { promise, ...settle };
}
