// SPDX-License-Identifier: Apache-2.0
// The application's own web server, and people who use it in a real browser. The gate is another host for it, as it would be.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Daemon, until } from '../integration/daemon.mjs';
import { JanusProcess } from '../integration/janus.mjs';
import { launch, pair } from '../browser/browsers.mjs';

const at = (where) => fileURLToPath(new URL(where, import.meta.url));
const PAGE = '<!doctype html><meta charset="utf-8"><title>app</title><script src="/adapter.js"></script><script type="module" src="/room.js"></script>';
const FILES = {
  '/adapter.js': at('../browser/node_modules/webrtc-adapter/out/adapter.js'),
  '/janus.js': at('../browser/node_modules/janus-gateway/npm/dist/janus.es.js'),
  '/page.js': at('page.js'),
  '/room.js': at('room.js'),
};

async function serve(request, response) {
  const { pathname } = new URL(request.url, 'http://app');
  const file = FILES[pathname] ?? (/^\/recgate[a-z-]*\.js$/.test(pathname) ? path.join(at('../../signaling/web'), pathname) : undefined);
  const body = pathname === '/' ? PAGE : file && (await readFile(file));
  response.writeHead(body ? 200 : 404, { 'content-type': pathname === '/' ? 'text/html' : 'text/javascript' });
  response.end(body);
}

export class Stage {
  /** config: of the gate, or a function that makes it once Janus runs; janus: of JanusProcess.start. */
  static async start({ config = {}, janus = {} } = {}) {
    const stage = new Stage();
    stage.browsers = [];
    try {
      stage.janus = await JanusProcess.start(janus);
      stage.server = createServer((request, response) => serve(request, response).catch(() => response.destroy()));
      await new Promise((resolve) => stage.server.listen(0, '127.0.0.1', resolve));
      stage.origin = `http://127.0.0.1:${stage.server.address().port}`;
      // All addresses: Firefox gathers none of the loopback interface, and pairs no other with 127.0.0.1, where Janus is.
      stage.daemon = await Daemon.start({ media: '0.0.0.0:0', config: { 'sfu.janus': stage.janus.ws, 'signaling.origins': stage.origin, 'recording.segment_s': 2, ...(typeof config === 'function' ? await config(stage) : config) } });
    } catch (error) {
      await stage.end();
      throw error;
    }
    return stage;
  }

  /**
   * A page of the application for this participant, in the first or the second browser of RECGATE_BROWSERS; joined with recgate.v1 unless told not to.
   * hooks: [function, argument] that run in it before its own scripts.
   */
  async open(session, id, role, { join = true, seat = 0, hooks = [] } = {}) {
    this.browsers[seat] ??= await launch(pair()[seat]);
    const page = await (await this.browsers[seat].createBrowserContext()).newPage();
    for (const [hook, given] of hooks) await page.evaluateOnNewDocument(hook, given);
    page.on('pageerror', (error) => (person.errors += `${error.message}\n`));
    const person = new Person(this, page, session, id, this.daemon.token(session, id, role));
    await page.goto(this.origin);
    await page.waitForFunction('window.app');
    if (join) await person.join();
    return person;
  }

  /** Until sound and picture of this session are kept up to that time (wall clock): its people's clients have confirmed it (R10). */
  keptUntil(session, at_ms) {
    return until(async () => {
      const list = (await this.daemon.segments(session)).filter(({ state, end }) => state === 'kept' && Date.parse(end) >= at_ms);
      return ['audio', 'video'].every((medium) => list.some((one) => one.medium === medium));
    }, `${session} to be kept`, 20_000);
  }

  /** EchoTest in this person's browser: media and data both ways through the gate alone, whose addresses are all that it learns; then an ICE restart. */
  async echoes(person) {
    await person.do('echo');
    const now = await person.flowing('echo');
    const own = this.daemon.media.split(',').map((address) => address.split(':').at(-1));
    assert.ok(now.candidates.length > 0 && now.candidates.every((line) => own.includes(line.split(' ')[5])), now.candidates.join('\n'));
    await until(async () => (await person.state('data')).includes('open'), 'the data channel');
    await person.page.evaluate(() => window.app.state.handles.echo.data({ text: 'hello' }));
    await until(async () => (await person.state('data')).some((text) => /hello/.test(text)), 'the echo of a text');
    await person.do('restart', 'echo', { audio: true, video: true });
    await until(async () => (await person.stats('echo')).ufrag !== now.ufrag, 'fresh credentials');
    await person.flowing('echo');
  }

  /** The file that plays one person's recording. */
  async export(session, participant) {
    const answer = await this.daemon.get(`/v1/sessions/${session}/recording?participant=${participant}`, this.daemon.token(session, 'auditor', 'auditor'));
    if (answer.status !== 200) throw new Error(`export of ${participant}: ${JSON.stringify(answer.json)}`);
    const file = path.join(this.daemon.place.dir, `${session}-${participant}.webm`);
    writeFileSync(file, answer.bytes);
    return file;
  }

  async end() {
    await Promise.all(this.browsers.filter(Boolean).map(async (browser) => {
      const hard = setTimeout(() => browser.process()?.kill('SIGKILL'), 10_000);
      await browser.close().catch(() => {});
      clearTimeout(hard);
    }));
    const how = await this.daemon?.end();
    await this.janus?.stop();
    await new Promise((resolve) => (this.server ? this.server.close(resolve) : resolve()));
    if (how && how.code !== 0) throw new Error(`recgate ended with ${JSON.stringify(how)}\n${this.daemon.log}`);
  }
}

export class Person {
  constructor(stage, page, session, id, token) {
    Object.assign(this, { stage, page, session, id, token, errors: '' });
  }

  /** A function of page.js, with what it gives. */
  do(name, ...args) {
    return this.page.evaluate((what, given) => window.app[what](...given), name, args);
  }

  join() { return this.do('join', `ws://${this.stage.daemon.http}/v1/ws`, this.token); }
  /** scheme: 'ws', or 'http' for Janus's HTTP API. */
  connect({ token = this.token, scheme = 'ws' } = {}) { return this.do('openJanus', `${scheme}://${this.stage.daemon.http}/janus`, token); }
  stats(handle) { return this.do('stats', handle); }
  state(part) { return this.page.evaluate((name) => window.app.state[name], part); }
  client(method, ...args) { return this.page.evaluate((name, given) => window.app.state.client[name](...given), method, args); }

  /** Until more media came in on this handle than before, of so many videos. */
  async flowing(handle, { videos = 1, ms = 15_000 } = {}) {
    const before = await this.stats(handle);
    return until(async () => {
      const now = await this.stats(handle);
      const moving = now.frames.filter((count, i) => count > (before.frames[i] ?? 0));
      return moving.length >= videos && now.in.audio > (before.in.audio ?? 0) && now;
    }, `${this.id} to get ${videos} videos and sound`, ms).catch(async (error) => {
      throw new Error(`${error.message}\n${JSON.stringify([await this.stats(handle), await this.state('errors')])} ${this.errors}`);
    });
  }

  /** The gate's `recording` state as this page was told, from index since on. */
  recording(wanted, { since = 0, ms = 10_000 } = {}) {
    return until(async () => (await this.state('states')).slice(since).find(({ type, state }) => type === 'recording' && state === wanted), `${this.id} to be told ${wanted}`, ms);
  }
}
