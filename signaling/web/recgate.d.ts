// SPDX-License-Identifier: Apache-2.0
// Types of recgate.js.

export type RecordingState = 'idle' | 'asking' | 'recording' | 'paused' | 'suspended' | 'declined' | 'stopped' | 'purged';
export type WithdrawScope = 'session' | 'participant' | 'after';
export type Medium = 'audio' | 'video';
export type Connection = 'new' | 'connecting' | 'joined' | 'reconnecting' | 'replaced' | 'leaving' | 'left' | 'ended' | 'refused';

export interface Participant {
  id: string;
  name: string;
  role: 'expert' | 'client' | 'observer' | string;
}

/** What a request says (R1). The gate adds who is responsible, session, time and its own plain words before hashing. */
export interface Disclosure {
  purpose: 'personal-review' | 'education' | 'documentation' | 'other';
  /** Needed with the purpose `other`. */
  purpose_text?: string;
  use: string;
  storage: string;
  /** Who may access the recording; at least one entry. */
  access: string[];
  /** Empty: nobody else gets it. */
  third_parties: string[];
  /** Seconds from the recording until it is erased by itself. */
  retention_s: number;
  on_withdrawal: WithdrawScope;
  /** BCP 47 tag of the language of the texts. */
  language: string;
  [added: string]: unknown;
}

export interface Ask {
  request: string;
  /** Participant id of the asker. */
  from: string;
  /** The name of a service that asked: it is nobody in the call, and `from` is empty. */
  from_name?: string;
  disclosure: Disclosure;
  disclosure_sha256: string;
  /** True: the hash was computed here and matches. False: one's own request, or no secure context to compute it in. */
  verified: boolean;
  /** The gate's own wording of the request; not covered by the hash. */
  message?: string;
}

export interface RecordingInfo {
  state: RecordingState;
  reason?: string;
  request?: string;
  take?: number | string;
  /** Server time at which this state began. */
  since?: number | string;
  /** Participant id of the one whose act brought this state. */
  by?: string;
  n?: number;
}

export interface Consents {
  request: string;
  /** Participant ids. */
  granted: string[];
  waiting: string[];
  declined: string[];
}

export interface Joined {
  self: string;
  session: string;
  participants: Participant[];
  recording: RecordingInfo;
  ice_servers: RTCIceServer[];
  lease_ms: number;
  heartbeat_ms: number;
  server_time: number | string;
  n?: number;
}

/** Over the canonical JSON of {decision: 'grant', disclosure_sha256, fingerprints, media, participant, request, session}. */
export interface ParticipantSignature {
  alg: 'ES256' | 'Ed25519';
  public_key: JsonWebKey;
  /** Base64; ES256: r and s, 64 bytes. */
  value: string;
  fingerprints: string[];
}

/** Signed by the gate, with the ledger's proof; docs/receipts.md has every field. */
export interface Receipt {
  schema_version: string;
  record_id: string;
  session: string;
  pii_principal_id: string;
  events: { event_time: string; event_type: 'consent'; event_state: 'granted' | 'declined' | 'offered' | 'withdrawn' }[];
  signature: { alg: 'Ed25519'; key: string; value: string };
  /** Of a grant that the client signed itself. */
  participant_signature?: ParticipantSignature;
  /** How many connected DTLS legs of the signer the gate compared it with. */
  legs_checked?: number;
  [field: string]: unknown;
}

export interface ConsentRecorded {
  receipt?: Receipt;
  /** Withdraws later, without a token (R24). Keep it as one keeps a password. */
  withdraw_key?: string;
}

export interface Withdrawn {
  receipt?: Receipt;
  /** Why there is none although the withdrawal was done. */
  receipt_error?: string;
  /** Where several keys withdrew together. */
  receipts?: Receipt[];
  purged: { segments: number; bytes: number };
  /** Copies that were finished and taken away before; the erase cannot reach them. */
  exports: { by: string; at: number | string }[];
  gate_closed_us: number;
  erased_us: number;
}

export interface ReportRecorded {
  id: string;
  kind: 'violation' | 'dispute';
  title: 'Rule Violation Report' | 'Session Dispute';
  session: string;
  at: string;
  ledger: { index: number; leaf_hash: string };
}

export interface RecgateEvents {
  /** The state of the line itself; `error` says why it was lost or refused. */
  connection: CustomEvent<{ state: Connection; error?: RecgateError }>;
  participants: CustomEvent<{ participants: Participant[] }>;
  /** A request, checked against its hash. Also for one's own request. */
  ask: CustomEvent<Ask>;
  consents: CustomEvent<Consents>;
  recording: CustomEvent<RecordingInfo>;
  /** Another participant's track began; `stream` holds everything of that participant. */
  track: CustomEvent<{ id: string; track: MediaStreamTrack; stream: MediaStream }>;
  peer: CustomEvent<{ id: string; state: RTCPeerConnectionState }>;
  /** `media`: what a grant was limited to (R16). */
  receipt: CustomEvent<{ act: 'request' | 'grant' | 'decline' | 'offer' | 'withdraw'; request?: string; receipt: Receipt; media?: Medium[]; withdraw_key?: string }>;
  withdrawn: CustomEvent<Withdrawn>;
  /** What no promise reports: `disclosure_mismatch`, `negotiation_failed`, refusals without a request. */
  error: CustomEvent<{ error: RecgateError }>;
}

export class RecgateError extends Error {
  constructor(code: string, message: string);
  /** Stable; lower-case words joined by `_`. From here: `not_connected`, `connection_lost`, `timeout`, `no_request`, `already_connected`. */
  readonly code: string;
}

export class RecgateClient extends EventTarget {
  readonly connection: Connection;
  readonly self: string | null;
  readonly session: string | null;
  /** Everyone on the roster, oneself included. */
  readonly participants: ReadonlyMap<string, Participant>;
  readonly recording: RecordingInfo;
  /** Who is responsible for recordings here. */
  readonly controller: { name: string; contact: string } | null;
  readonly consents: Consents | null;
  readonly agreed: 'all' | 'audio' | 'video' | null;
  readonly askedBefore: boolean;
  readonly ask: Ask | null;
  readonly withdrawing: boolean;
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly cameraTrack: MediaStreamTrack | null;

  /**
   * `url` defaults to `/v1/ws` of the page's host. Given here, one can withdraw without joining.
   * `withdrawKeys`: those of earlier receipts, by request; they withdraw where the token is refused, such as an expired one.
   */
  constructor(gate?: { url?: string | URL; token: string; withdrawKeys?: Record<string, string> });
  /** Joins, at the gate given here or to the constructor. Rejects with what refused the first join. */
  connect(gate?: { url?: string | URL; token: string }): Promise<Joined>;
  leave(): Promise<void>;

  /** True unmutes (and opens a microphone where there is none), false mutes, a track is sent instead. */
  setMicrophone(on: boolean | MediaStreamTrack, constraints?: MediaTrackConstraints | boolean): Promise<MediaStreamTrack | null>;
  /** False releases the camera and sends no frame. */
  setCamera(on: boolean | MediaStreamTrack, constraints?: MediaTrackConstraints | boolean): Promise<MediaStreamTrack | null>;
  peerConnection(id: string): RTCPeerConnection | undefined;

  request(disclosure: Disclosure): Promise<{ request: string; disclosure_sha256: string } & ConsentRecorded>;
  grant(choice?: { request?: string; media?: Medium[]; connections?: Iterable<RTCPeerConnection> }): Promise<ConsentRecorded>;
  decline(choice?: { request?: string }): Promise<ConsentRecorded>;
  offer(): Promise<ConsentRecorded>;
  /** Settles when the erase is durable; repeated until then, over lost sockets and after leaving. */
  withdraw(options?: { request?: string; scope?: WithdrawScope }): Promise<Withdrawn>;
  pause(): Promise<RecordingInfo>;
  resume(): Promise<RecordingInfo>;
  stop(): Promise<RecordingInfo>;
  /** At most 4000 bytes; settles when it is on record. Refused with `report_empty`, `report_too_long`, `too_many_reports`. */
  report(text: string, options?: { kind?: 'violation' | 'dispute' }): Promise<{ report: ReportRecorded }>;
  /** For roles that may ask to record; `connection` becomes 'ended' for everyone, who can still withdraw. */
  endForAll(): Promise<{ by: string }>;

  addEventListener<K extends keyof RecgateEvents>(type: K, listener: (event: RecgateEvents[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof RecgateEvents>(type: K, listener: (event: RecgateEvents[K]) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** With the key of a receipt, without a session, a token or a call. */
export function withdrawWithKey(options: { url?: string | URL; withdraw_key: string; scope?: WithdrawScope }): Promise<Withdrawn>;

/** What a withdrawal would erase, erasing nothing. By key or by a participant's token. */
export function previewWithdrawal(holder: { url?: string | URL; withdraw_key?: string; token?: string }): Promise<{
  session: string;
  participant: string;
  /** `erased`: by an earlier withdrawal, null without one. */
  recordings: { request: string; at: string; on_withdrawal: WithdrawScope; disclosure: Disclosure; answer?: string; erased: WithdrawScope | null }[];
}>;

/** Repeated until the erase is durable; `told` hears of every attempt that failed. Rejects only where repeating cannot help. */
export function withdrawUntilDone(holder: {
  url?: string | URL; withdraw_key?: string; token?: string; scope?: WithdrawScope; told?: (error: Error, times: number) => void;
}): Promise<Withdrawn>;
