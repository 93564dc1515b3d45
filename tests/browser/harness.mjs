// SPDX-License-Identifier: Apache-2.0
// A stage for browser tests: the real daemon, two real browsers, and people who join calls in them.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Daemon, sleep, until } from '../integration/daemon.mjs';
import { launch, pair } from './browsers.mjs';
import { Person } from './person.mjs';
import { Watch } from './watch.mjs';

export { sleep, until };

export class Stage {
  static async start({ kinds = pair(), stock = false, ...options } = {}) {
    const stage = new Stage();
    stage.kinds = kinds;
    stage.people = [];
    stage.sessions = 0;
    // Short segments: a scenario of seconds has borders too.
    // All addresses: Firefox gathers none of the loopback interface, and pairs no other with 127.0.0.1.
    stage.options = { media: '0.0.0.0:0', ...options, config: { 'recording.segment_s': 2, 'limits.sockets_per_address_max': 64, ...options.config } };
    stage.daemon = await Daemon.start(stage.options);
    stage.ownsPlace = stage.daemon.ownsPlace;
    try {
      stage.browsers = await Promise.all(kinds.map((kind) => launch(kind, { stock })));
      stage.watch = await Watch.start(stage.segmentsDir);
    } catch (error) {
      await stage.end();
      throw error;
    }
    return stage;
  }

  get segmentsDir() { return path.join(this.daemon.data, 'segments'); }
  fresh(name = 'call') { return `${name}-${++this.sessions}`; }

  /** seat 0 or 1: in which of the two browsers. token: another than the fitting one, null for none. */
  async open(session, id, role, { seat = 0, token = this.daemon.token(session, id, role, { name: id[0].toUpperCase() + id.slice(1) }), ...options } = {}) {
    const person = await Person.open({ browser: this.browsers[seat], base: this.daemon.base, token, id, role, ...options });
    this.people.push(person);
    return Object.assign(person, { session });
  }

  /** Anna the expert in the first browser and Ben the client in the second, joined and hearing each other unless talk is false. Former calls end. */
  async call({ session = this.fresh(), talk = true, ...options } = {}) {
    await this.leaveAll();
    const anna = await this.open(session, 'anna', 'expert', { seat: 0, ...options });
    const ben = await this.open(session, 'ben', 'client', { seat: 1, ...options });
    await anna.join();
    const second = await ben.join();
    if (talk) await Promise.all([anna.flowing(), ben.flowing()]);
    return { session, anna, ben, second };
  }

  /** A call that is being recorded; openedAt: when the page of Anna was told. */
  async recorded({ withdrawing, answer, ...options } = {}) {
    const call = await this.call(options);
    const asked = await call.anna.ask({ withdrawing });
    await call.ben.press(answer ?? call.ben.words.agree);
    const [opened] = await Promise.all([call.anna.state('recording'), call.ben.state('recording')]);
    return { ...call, asked, openedAt: opened.at };
  }

  async leaveAll() {
    await Promise.all(this.people.splice(0).map((person) => person.close()));
  }

  /** kill -9, and the same again on the same data and the same HTTP port: the pages find it by themselves. meanwhile: done while it is gone. */
  async crash(meanwhile = () => {}) {
    const { place, http } = this.daemon;
    await this.daemon.stop('SIGKILL');
    await meanwhile();
    this.daemon = await Daemon.start({ ...this.options, place, listen: http });
    this.daemon.ownsPlace = this.ownsPlace;
  }

  /** Segments as the auditor sees them. */
  segments(session) { return this.daemon.segments(session); }

  /** Until sound and picture of each of these people are kept, so that each can be exported. */
  kept(session, ...people) {
    return until(async () => {
      const found = (await this.segments(session)).filter(({ state }) => state === 'kept');
      return people.every((who) => ['audio', 'video'].every((kind) => found.some(({ participant, medium }) => participant === who && medium === kind)));
    }, `kept segments of ${people.join(' and ')}`, 15_000);
  }

  auditor(session) { return this.daemon.token(session, 'auditor', 'auditor'); }

  /** The file that plays one person's recording, in the scratch directory; or the refusal {status, json}. */
  async export(session, participant) {
    const answer = await this.daemon.get(`/v1/sessions/${session}/recording?participant=${participant}`, this.auditor(session));
    if (answer.status !== 200) return { status: answer.status, json: answer.json };
    const file = path.join(this.daemon.place.dir, `${session}-${participant}.mkv`);
    writeFileSync(file, answer.bytes);
    return { status: 200, file, bytes: answer.bytes.length };
  }

  async end() {
    await this.leaveAll();
    await this.watch?.stop();
    await Promise.all((this.browsers ?? []).map(async (browser) => {
      const hard = setTimeout(() => browser.process()?.kill('SIGKILL'), 10_000);
      await browser.close().catch(() => {});
      clearTimeout(hard);
    }));
    const how = await this.daemon.end();
    if (how.code !== 0) throw new Error(`recgate ended with ${JSON.stringify(how)}\n${this.daemon.log}`);
  }
}
