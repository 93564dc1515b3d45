// SPDX-License-Identifier: Apache-2.0
// Janus from Debian with its videocall plugin, behind the same verbs: as shipped, or on the libsrtp2 that recgate is linked with.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sleep, until } from '../../integration/daemon.mjs';
import { BEFORE, BUILD, describePairs, killed, remote, sdp } from './shared.mjs';

const LIBRARIES = '/usr/lib/x86_64-linux-gnu/janus';
const EVENT_MS = 20_000;
const PLUGINS = ['audiobridge', 'duktape', 'echotest', 'lua', 'nosip', 'recordplay', 'sip', 'streaming', 'textroom', 'videocall', 'videoroom', 'voicemail'];

async function freePort() {
  const server = createServer();
  const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Janus {
  static kind = 'webrtc';
  static isHere = existsSync('/usr/bin/janus');
  name = 'janus';
  plugin = 'videocall';
  people = 0;
  couples = []; // who have registered and negotiated nothing yet

  environment() { return { LD_PRELOAD: path.join(BUILD, 'tests/bench/libbench-loopback.so') }; }

  async start() {
    this.place = mkdtempSync(path.join(tmpdir(), 'bench-janus-'));
    const [plugins, transports] = ['plugins', 'transports'].map((name) => path.join(this.place, name));
    for (const one of [plugins, transports]) mkdirSync(one);
    const http = await freePort();
    writeFileSync(path.join(this.place, 'janus.jcfg'), `general: {
      configs_folder = "${this.place}" plugins_folder = "${LIBRARIES}/plugins" transports_folder = "${LIBRARIES}/transports"
      events_folder = "${plugins}" loggers_folder = "${plugins}" debug_level = 1 session_timeout = 0 }
      nat: { ice_enforce_list = "lo" }
      plugins: { disable = "${PLUGINS.filter((name) => name !== this.plugin).map((name) => `libjanus_${name}.so`).join()}" }
      transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }`);
    writeFileSync(path.join(this.place, 'janus.transport.http.jcfg'), `general: { json = "compact" base_path = "/janus" http = true port = ${http} ip = "127.0.0.1" https = false }`);
    this.process = spawn(BEFORE[0], [...BEFORE.slice(1), '/usr/bin/janus', '-F', this.place], { env: { ...process.env, ...this.environment() }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.said = '';
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (bytes) => (this.said = (this.said + bytes).slice(-2000)));
    this.url = `http://127.0.0.1:${http}/janus`;
    await until(() => fetch(`${this.url}/info`).then(({ ok }) => ok, () => false), 'Janus', 10_000).catch(() => { throw new Error(`Janus did not start: ${this.said}`); });
    this.port = 9; // each end has one of its own, from its description
    this.url += `/${(await this.ask({ janus: 'create' })).data.id}`;
    this.waiting = new Map();
    this.#listen();
  }

  get pid() { return this.process.pid; }

  async ask(message, url = this.url) {
    const answer = await (await fetch(url, { method: 'POST', body: JSON.stringify({ transaction: String(Math.random()), ...message }) })).json();
    if (answer.janus === 'error') throw new Error(`Janus: ${answer.error.reason}`);
    return answer;
  }

  /** Events of all handles, by one long poll after the other. */
  async #listen() {
    while (!this.ended) {
      const events = await fetch(`${this.url}?maxev=20`).then((answer) => answer.json(), () => []);
      for (const event of [events].flat()) {
        const said = event.plugindata?.data;
        const key = `${event.sender} ${said?.result?.event ?? said?.error ?? said?.videoroom}`;
        this.waiting.get(key)?.(event);
        if (said?.error) console.error(`Janus: ${said.error}`);
      }
      if (events.janus === 'error') await sleep(100);
    }
  }

  #event(handle, name) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Janus sent no ${name} within ${EVENT_MS} ms: ${this.said}`)), EVENT_MS);
      this.waiting.set(`${handle} ${name}`, (event) => {
        clearTimeout(late);
        this.waiting.delete(`${handle} ${name}`);
        resolve(event);
      });
    });
  }

  async say(handle, body, expected, of = handle, jsep = undefined) {
    const event = this.#event(of, expected);
    await this.ask({ janus: 'message', body, jsep }, `${this.url}/${handle}`);
    return event;
  }

  async attach() { return (await this.ask({ janus: 'attach', plugin: `janus.plugin.${this.plugin}` })).data.id; }

  async #register(name) {
    const handle = await this.attach();
    await this.say(handle, { request: 'register', username: name }, 'registered');
    return handle;
  }

  async #couple() {
    const number = this.people++;
    return { number, a: await this.#register(`a${number}`), b: await this.#register(`b${number}`) };
  }

  /** The people of so many calls register ahead of describe. */
  async gather(calls) {
    while (this.couples.length < calls) this.couples.push(await this.#couple());
  }

  async #call(one, two) {
    const { number, a, b } = this.couples.shift() ?? await this.#couple();
    // No candidate is ever trickled, nor that they are complete: Janus waits for the first check, however long the calls before this one take.
    const asked = await this.say(a, { request: 'call', username: `b${number}` }, 'incomingcall', b, { type: 'offer', sdp: sdp(one, 'active') });
    const accepted = await this.say(b, { request: 'accept' }, 'accepted', a, { type: 'answer', sdp: sdp(two, 'active') });
    return [remote(accepted.jsep), remote(asked.jsep)];
  }

  describe(ends) { return describePairs(ends, (...pair) => this.#call(...pair)); }

  async stop() {
    this.ended = true;
    await killed(this.process, 'SIGKILL');
    rmSync(this.place, { recursive: true });
  }
}

/** The same, with its libsrtp2 replaced by the one built with OpenSSL. */
export class JanusOpenSsl extends Janus {
  static isHere = Janus.isHere && existsSync(path.join(BUILD, 'tests/bench/libsrtp2.so.1'));
  name = 'janus+ossl';

  environment() { return { ...super.environment(), LD_LIBRARY_PATH: path.join(BUILD, 'tests/bench') }; }
}
