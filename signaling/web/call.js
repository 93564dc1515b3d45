// SPDX-License-Identifier: Apache-2.0
// The call page: ties the client to what people see, hear and press.

import { Announcer } from './announce.js';
import { AskForm } from './ask-form.js';
import { Devices } from './devices.js';
import { $, show } from './dom.js';
import { Receipts } from './receipts.js';
import { RecgateClient } from './recgate.js';
import { EndForAll, ReportForm } from './report-form.js';
import { Stage } from './stage.js';
import { actionsOf, answerOf, statusOf } from './status.js';
import { strings } from './strings.js';
import { readToken, tokenClaims } from './token.js';
import { draw, measureBar, showEnded, showError, showPhase, showWithdrawn, withdrawFailedWords } from './view.js';
import { bindLanguages, fillWords, say, wordsForError } from './words.js';

class Call {
  #claims;
  #client;
  #said = new Announcer({ polite: $('polite'), assertive: $('assertive') });
  #receipts = new Receipts();
  #devices = new Devices();
  #stage = new Stage((id) => this.#client.peerConnection(id));
  #askForm = new AskForm((disclosure) => this.#request(disclosure));
  #reportForm;
  #endForAll = new EndForAll(() => this.#endForEveryone());
  #names = new Map();
  #wasAsked = this.#receipts.any;
  #pausedByMe = false;
  #withdrawn = false;
  #lastWithdrawal = null;
  #withdrawFailed = null;
  #myNo;
  #answering = false;
  #lastStatus = '';
  #lastAnswers = new Map();

  constructor(token) {
    this.#client = new RecgateClient({ token, withdrawKeys: this.#receipts.withdrawKeys });
    this.#reportForm = new ReportForm(this.#client, this.#said);
    this.#claims = tokenClaims(token);
    this.#listen();
    this.#bindAnswers();
    this.#bindControls();
  }

  start() {
    showPhase('prejoin');
    this.#greet();
    bindLanguages(() => this.#speak());
    $('join').addEventListener('click', async () => this.#join(await this.#devices.take()));
    $('join-listen').addEventListener('click', async () => {
      this.#join({ audio: null, video: null });
      await this.#devices.release();
    });
    this.#devices.open();
    this.#draw();
  }

  #greet() {
    $('prejoin-title').textContent = strings.prejoinTitle(this.#claims.name);
    $('call-title').textContent = `${strings.pageTitle} ${this.#claims.sid ?? ''}`;
  }

  /** The language is another: what holds words of its own says them anew. */
  #speak() {
    this.#greet();
    this.#devices.speak();
    this.#receipts.speak();
    this.#reportForm.close(); // it opens in the new language, with what was written
    this.#askForm.speak();
    if (!$('withdrawn').hidden) showWithdrawn(this.#lastWithdrawal);
    this.#draw();
  }

  get #snapshot() {
    const { connection, recording, self, ask, consents, withdrawing, participants, microphoneOn, cameraOn } = this.#client;
    return {
      connection, recording, self, ask, consents, withdrawing, microphoneOn, cameraOn,
      participants: [...participants.values()],
      role: participants.get(self)?.role,
      wasAsked: this.#wasAsked,
      pausedByMe: this.#pausedByMe,
      withdrawn: this.#withdrawn,
      withdrawFailed: this.#withdrawFailed,
      audioOnly: this.#receipts.audioOnly(ask?.request) || (ask === null && this.#client.agreed === 'audio'),
      myNo: this.#myNo,
      name: (id) => this.#nameOf(id),
      present: (id) => participants.has(id),
    };
  }

  #nameOf(id) {
    const written = id === '' ? this.#client.ask?.from_name : undefined; // a service asked: it is nobody in the call
    return this.#names.get(id) ?? written ?? strings.somebody;
  }

  async #join({ audio, video }) {
    show('error', false);
    for (const id of ['join', 'join-listen']) $(id).disabled = true;
    say('join', 'joining');
    if (audio) await this.#client.setMicrophone(audio);
    if (video) await this.#client.setCamera(video);
    // A refusal is told by the `connection` event.
    await this.#client.connect().catch(() => {});
  }

  #listen() {
    /** @type {Record<string, (detail: any) => void>} */
    const listeners = {
      connection: (detail) => this.#connectionChanged(detail),
      participants: () => this.#participantsChanged(),
      recording: (recording) => this.#recordingChanged(recording),
      ask: (ask) => this.#asked(ask),
      consents: () => {},
      track: ({ id, stream }) => this.#stage.play(id, stream),
      peer: ({ id, state }) => this.#stage.showConnection(id, state),
      receipt: (receipt) => this.#receipts.add({ ...receipt, disclosure: this.#client.ask?.disclosure, disclosure_sha256: this.#client.ask?.disclosure_sha256 }),
      withdrawn: (done) => this.#withdrawalDone(done),
      error: ({ error }) => this.#failed(error),
    };
    for (const [type, listener] of Object.entries(listeners)) {
      this.#client.addEventListener(type, (/** @type {CustomEvent} */ { detail }) => {
        listener(detail);
        this.#draw();
      });
    }
  }

  #bindAnswers() {
    this.#onClick('agree', () => this.#answer('agree', () => this.#client.grant()));
    this.#onClick('agree-audio', () => this.#answer('agreeAudio', () => this.#client.grant({ media: ['audio'] })));
    this.#onClick('decline', () => this.#answer('decline', () => this.#client.decline()));
    this.#onClick('offer', async () => {
      await this.#client.offer();
      this.#myNo = false;
      this.#said.polite(strings.offerDone);
    });
    this.#onClick('read-request', () => $('letter-title').focus());
    // R6: one click, nothing in between.
    this.#onClick('withdraw', () => this.#withdraw());
    this.#onClick('withdraw-all', () => this.#withdraw({ scope: 'session' }));
  }

  #bindControls() {
    this.#onClick('pause', async () => {
      await this.#client.pause();
      this.#pausedByMe = true;
    });
    this.#onClick('resume', async () => {
      await this.#client.resume();
      this.#pausedByMe = false;
    });
    this.#onClick('stop', () => this.#client.stop());
    this.#onClick('mute', () => this.#client.setMicrophone(!this.#client.microphoneOn, this.#devices.constraints.audio));
    this.#onClick('camera-toggle', async () => {
      await this.#client.setCamera(!this.#client.cameraOn, this.#devices.constraints.video);
      this.#stage.showSelf(this.#client.cameraTrack);
    });
    this.#onClick('ask', () => this.#askForm.open(this.#nameOf(this.#client.self)));
    this.#onClick('leave', () => this.#client.leave());
    this.#onClick('again', () => location.reload());
  }

  /** A press draws at once what it began, and again what came of it; what it cannot do is said in words. */
  #onClick(id, act) {
    $(id).addEventListener('click', async () => {
      showError(null);
      const acting = act();
      this.#draw();
      try {
        await acting;
      } catch (error) {
        this.#failed(error);
      }
      this.#draw();
    });
  }

  /** One answer at a time: a second press while the first is on its way is the same press. */
  async #answer(kind, act) {
    if (this.#answering) return;
    this.#answering = true;
    await act().finally(() => { this.#answering = false; });
    if (kind === 'decline') this.#myNo = true;
    this.#said.polite(strings.answerSent[kind]);
    toTop();
  }

  /** A refusal stays on the page until a withdrawal is done, whatever else happens. */
  async #withdraw(options) {
    this.#withdrawFailed = null;
    try {
      await this.#client.withdraw(options);
    } catch (error) {
      this.#withdrawFailed = error;
      this.#said.assertive(withdrawFailedWords(this.#snapshot));
    }
  }

  async #endForEveryone() {
    this.#endForAll.close();
    await this.#client.endForAll().catch((error) => this.#failed(error));
    this.#draw();
  }

  async #request(disclosure) {
    try {
      showError(null);
      await this.#client.request(disclosure);
      this.#askForm.close();
      toTop();
    } catch (error) {
      this.#failed(error);
    }
    this.#draw();
  }

  #connectionChanged({ state, error }) {
    if (state === 'joined') this.#joined();
    if (['replaced', 'left', 'ended', 'refused'].includes(state)) showError(null);
    if (state === 'replaced') showEnded({ title: 'replacedTitle', text: 'replacedText', again: 'againHere' });
    if (state === 'ended') showEnded({ title: 'endedAllTitle', text: this.#leftText });
    if (state === 'left') showEnded({ title: 'leftTitle', text: this.#leftText, again: 'again' });
    if (state === 'refused') showEnded({ title: 'refusedTitle', error, again: /token|unauthorized/.test(error.code) ? undefined : 'againTry' });
    if (['replaced', 'left', 'ended', 'refused'].includes(state)) this.#said.assertive($('ended-title').textContent);
  }

  get #leftText() {
    return this.#wasAsked && !this.#withdrawn ? 'leftText' : 'leftTextPlain';
  }

  #joined() {
    this.#wasAsked ||= this.#client.askedBefore;
    if (document.body.dataset.phase === 'call') {
      this.#said.polite(strings.reconnected);
      return;
    }
    showPhase('call');
    this.#stage.showSelf(this.#client.cameraTrack);
    toTop();
  }

  #participantsChanged() {
    const { participants, self } = this.#client;
    const others = [...participants.values()].filter(({ id }) => id !== self);
    const present = new Set(this.#stage.people);
    for (const { id, name } of others) if (!present.has(id)) this.#said.polite(strings.joined(name));
    for (const id of present) if (!participants.has(id)) this.#said.polite(strings.leftCall(this.#nameOf(id)));
    for (const { id, name } of participants.values()) this.#names.set(id, name);
    this.#stage.showPeople(others);
  }

  #recordingChanged({ state }) {
    if (state !== 'idle') this.#wasAsked = true;
    if (!['paused', 'suspended', 'asking'].includes(state)) this.#pausedByMe = false;
    if (state === 'asking') this.#myNo = undefined;
    if (state === 'asking' || state === 'recording') this.#withdrawn = false;
    if (state === 'asking' || state === 'recording') show('withdrawn', false);
  }

  #asked({ from, request }) {
    showError(null);
    this.#wasAsked = true;
    const mine = from === this.#client.self || answerOf(this.#snapshot) !== 'waiting';
    if (!mine && request === this.#client.ask?.request) this.#said.assertive(strings.asked(this.#nameOf(from)));
  }

  #withdrawalDone(done) {
    this.#myNo = true;
    this.#withdrawn = true;
    this.#lastWithdrawal = done;
    this.#withdrawFailed = null;
    if (['left', 'ended'].includes(this.#client.connection)) say('ended-text', this.#leftText);
    showWithdrawn(done);
    scrollTo(0, 0);
    this.#said.assertive(`${strings.withdrawnTitle}. ${$('withdrawn-erased').textContent}`);
  }

  #failed(error) {
    showError(error);
    this.#said.assertive(wordsForError(error));
  }

  #draw() {
    const snapshot = this.#snapshot;
    const actions = actionsOf(snapshot);
    if (!actions.ask) this.#askForm.close();
    if (!actions.endAll) this.#endForAll.close();
    draw(snapshot);
    this.#announce(snapshot);
  }

  /** Every change that can be seen is said: the state at once, people's answers in their turn. */
  #announce(snapshot) {
    const { title, detail } = statusOf(snapshot);
    const status = `${title}. ${detail}`;
    if (this.#lastStatus && status !== this.#lastStatus && document.body.dataset.phase === 'call') this.#said.assertive(status);
    this.#lastStatus = status;
    for (const { id, name } of snapshot.participants) {
      const answer = answerOf(snapshot, id);
      const changed = answer !== (this.#lastAnswers.get(id) ?? null);
      if (changed && answer === 'granted' && id !== snapshot.self) this.#said.polite(strings.agreed(name));
      this.#lastAnswers.set(id, answer);
    }
  }
}

/** What had the focus is gone; the call is the place to go on from. */
function toTop() {
  $('main').focus({ preventScroll: true });
  scrollTo(0, 0);
}

fillWords();
measureBar();
const token = readToken();
if (token) new Call(token).start();
else {
  bindLanguages(() => { document.title = strings.pageTitle; });
  document.title = strings.pageTitle;
  showEnded({ title: 'noTokenTitle', text: 'noTokenText' });
}
