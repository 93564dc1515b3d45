// SPDX-License-Identifier: Apache-2.0
// One person in front of the call page: presses what is called so, reads what is there, and lets the test look behind the page.
import { en } from '../../signaling/web/strings-en.js';
import { es } from '../../signaling/web/strings-es.js';
import { sleep, until } from '../integration/daemon.mjs';
import { freeze, thaw } from './browsers.mjs';
import { knownSource, lookOn, preferCodec } from './hooks.mjs';

const FPS = 15;
/** Every word of the page, by language. */
export const WORDS = { en, es };
/** The language of a test that names none: every state is looked at in each (suite_screens). */
export const LANGUAGE = process.env.RECGATE_LANGUAGE ?? 'en';

export class Person {
  /**
   * Opens the call page. source: 'known' (hooks.mjs) or 'device' (the browser's own fake camera and microphone).
   * prefer: a codec of pictures ('video/H264') or sound ('audio/red'). context: a browser context, so that two people may share a browser. language: of the page; its words are person.words.
   */
  static async open({ browser, context, base, token, id, role, source = 'known', prefer, viewport, language = LANGUAGE }) {
    const page = await (context ?? browser).newPage();
    const person = Object.assign(new Person(), { isFirefox: (await browser.version()).toLowerCase().includes('firefox'), browser, page, id, role, token, words: WORDS[language], complaints: [], failed: [], log: [] });
    if (viewport) await page.setViewport(viewport);
    page.on('pageerror', (error) => person.complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && person.complaints.push(message.text()));
    page.on('requestfailed', (request) => person.failed.push(`${request.url().split('#')[0]}: ${request.failure()?.errorText}`));
    await page.evaluateOnNewDocument(lookOn);
    if (prefer) await page.evaluateOnNewDocument(preferCodec, prefer);
    if (source === 'known') await page.evaluateOnNewDocument(knownSource, { fps: FPS });
    await page.goto(`${base}/?lang=${language}${token ? `#token=${token}` : ''}`);
    // One that lost a module loads itself again (web/whole.js): only after that is there a page to press on.
    const arrived = await page.waitForFunction(() => (document.body?.dataset.phase ?? 'loading') !== 'loading', { polling: 100, timeout: 20_000 }).catch(() => null);
    if (!arrived) throw new Error(`${id}'s page did not get going:\n${await person.#inside()}`);
    return person;
  }

  /** In Firefox puppeteer looks accessible names up in the page's own thread, which stops the known source for seconds: a button goes by its text. */
  #selector(name, role) {
    return role === 'button' && this.isFirefox ? `::-p-xpath(//button[normalize-space()="${name}"])` : `aria/${name}[role="${role}"]`;
  }

  async #visible(name, role) {
    for (const one of await this.page.$$(this.#selector(name, role))) {
      if (await one.isVisible()) return one;
      await one.dispose();
    }
    return null;
  }

  /** Until it stays where it is: what loads above it, a list of devices say, moves it away from under the pointer. */
  async #still(element) {
    let [before, now] = [null, await element.boundingBox()];
    for (let times = 0; times < 40 && (before?.x !== now?.x || before?.y !== now?.y); times += 1) {
      await sleep(50);
      [before, now] = [now, await element.boundingBox()];
    }
  }

  async press(name, { role = 'button', ms = 5000 } = {}) {
    const found = await until(() => this.#visible(name, role), `a ${role} "${name}" on ${this.id}'s page`, ms).catch(async (error) => {
      throw new Error(`${error.message}; it says:\n${await this.reads()}\n${await this.#inside()}`);
    });
    await found.evaluate((button) => button.scrollIntoView({ block: 'center' })); // as a person does when the bar below covers it
    await this.#still(found);
    await found.click();
    await found.dispose();
  }

  async has(name, role = 'button') {
    const found = await this.#visible(name, role);
    await found?.dispose();
    return found !== null;
  }

  /** Why a page may be stuck, for who reads of the failure: its phase, what it complained of, the modules that did not come. */
  async #inside() {
    const { phase, at } = await this.page.evaluate(() => ({ phase: document.body.dataset.phase, at: document.readyState }));
    return [`(phase ${phase}, document ${at})`, ...this.complaints, ...this.failed].join('\n');
  }

  /** Everything a person can read on the page. */
  reads() { return this.page.evaluate(() => document.body.innerText); }

  sees(text, ms = 5000) {
    return until(async () => (await this.reads()).toLowerCase().includes(text.toLowerCase()), `"${text}" on ${this.id}'s page`, ms);
  }

  /** The bar with the state of the recording. */
  status() { return this.page.$eval('#status', (bar) => bar.innerText); }

  async join() {
    await this.press(this.words.join, { ms: 20_000 }); // a browser just started takes its time for modules and devices
    return this.expect('joined', 20_000); // the bar on joining is a test of its own
  }

  /** Fills the form for a recording and sends it; the defaults of the page stand but for on_withdrawal: withdrawing is a scope. */
  async ask({ withdrawing } = {}) {
    await this.press(this.words.ask);
    if (withdrawing) await this.press(this.words.onWithdrawal[withdrawing], { role: 'radio' });
    await this.press(this.words.preview);
    await this.press(this.words.send);
    return this.expect('recording.requested');
  }

  async answer(name = this.words.agree) {
    await this.press(name);
    return this.expect('consent.recorded');
  }

  // --- behind the page ---

  /** All messages so far: [{way: 'in' | 'out', at: Date.now() in the page, message}]. */
  async wire() {
    this.log.push(...(await this.page.evaluate((from) => window.__kept.wire.slice(from), this.log.length)));
    return this.log;
  }
  async mark() { return (await this.wire()).length; }

  /** The first message from the gate that fits (a type, or a function of the message), from `since` on; with `at`. */
  async expect(fits, ms = 5000, since = 0) {
    const test = typeof fits === 'string' ? (message) => message.type === fits : fits;
    const found = await until(
      async () => (await this.wire()).slice(since).find(({ way, message }) => way === 'in' && test(message)),
      `${this.id} to be told ${fits}`, ms,
    ).catch(async (error) => {
      const last = this.log.filter(({ message }) => !['alive', 'signal'].includes(message.type)).slice(-6);
      throw new Error(`${error.message}; last: ${JSON.stringify(last)}\n${await this.reads()}\n${this.complaints.join('\n')}`);
    });
    return { ...found.message, at: found.at };
  }

  state(state, { ms, since } = {}) {
    return this.expect((message) => message.type === 'recording.state' && message.state === state, ms, since);
  }

  async lastState() {
    return (await this.wire()).filter(({ way, message }) => way === 'in' && message.type === 'recording.state').at(-1)?.message.state;
  }

  flashes() { return this.page.evaluate(() => window.__source.flashes); }
  flash(on) { return this.page.evaluate((lit) => window.__source.flash(lit), on); }

  /** What goes in and out of the connections that are open: [{way, kind, bytes, packets, lost, discarded, frames}]. */
  streams() {
    return this.page.evaluate(async () => {
      const open = window.__kept.peers.filter((peer) => peer.connectionState === 'connected');
      const reports = await Promise.all(open.map((peer) => peer.getStats()));
      return reports.flatMap((report, peer) => [...report.values()].filter((one) => one.type === 'inbound-rtp' || one.type === 'outbound-rtp').map((one) => ({
        peer, way: one.type === 'inbound-rtp' ? 'in' : 'out', kind: one.kind,
        bytes: one.bytesReceived ?? one.bytesSent ?? 0, packets: one.packetsReceived ?? one.packetsSent ?? 0, lost: one.packetsLost ?? 0, discarded: one.packetsDiscarded ?? 0,
        frames: one.framesDecoded ?? one.framesEncoded ?? 0,
      })));
    });
  }

  /** Waits until sound and picture come from `people` others, later than now; milliseconds it took. */
  async flowing({ people = 1, kinds = ['audio', 'video'], ms = 10_000, more = false } = {}) {
    const began = Date.now();
    const before = more ? await this.streams() : [];
    const count = (list, kind) => list.filter((one) => one.way === 'in' && one.kind === kind)
      .map((one) => [one.peer, kind === 'video' ? one.frames : one.packets]);
    await until(async () => {
      const now = await this.streams();
      return kinds.every((kind) => {
        const was = new Map(count(before, kind));
        return count(now, kind).filter(([peer, n]) => n > (was.get(peer) ?? 0)).length >= people;
      });
    }, `${kinds.join(' and ')} of ${people} to reach ${this.id}`, ms);
    return Date.now() - began;
  }

  /** The whole browser stands still: no heartbeat, no button (R10). */
  freeze() { freeze(this.browser); }
  thaw() { thaw(this.browser); }

  /** Says something to the gate on the page's own socket, for what takes too long by hand. */
  send(message) { return this.page.evaluate((text) => window.__kept.sockets.at(-1).send(text), JSON.stringify(message)); }

  loseSocket() { return this.page.evaluate(() => window.__kept.sockets.at(-1).close()); }

  async close() {
    await Promise.race([this.page.close().catch(() => {}), sleep(5000)]);
  }
}
