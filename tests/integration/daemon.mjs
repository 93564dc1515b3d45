// SPDX-License-Identifier: Apache-2.0
// The real daemon for a test: started on free ports of 127.0.0.1 with a data directory of its own, ended by its own pid.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILD = path.resolve(ROOT, process.env.RECGATE_BUILD ?? 'build');
export const RECGATE = path.join(BUILD, 'recgate');
export const RECGATECTL = path.join(BUILD, 'recgatectl');
const READY = /^recgate ready http=(\S+) media=(\S+)$/m;
// Sanitizers make everything slower; bounds in tests are multiplied by this.
export const SLOW = /asan|tsan/.test(BUILD) ? 5 : 1;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until test() gives something true and returns it; what says what was waited for. */
export async function until(test, what, ms = 5000) {
  const end = Date.now() + ms * SLOW;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${ms * SLOW} ms for ${what}`);
    await sleep(20);
  }
}

/** A scratch directory under the system's, and a secret of 32 bytes beside the data directory. */
export function scratch() {
  const dir = mkdtempSync(path.join(tmpdir(), 'recgate-test-'));
  const secret = path.join(dir, 'secret');
  writeFileSync(secret, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  return { dir, secret, data: path.join(dir, 'data'), remove: () => rmSync(dir, { recursive: true, force: true }) };
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT made here, right or wrong as the test wants it. */
export function forge(claims, { secret, header = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256' }) {
  const text = `${encode(header)}.${encode(claims)}`;
  const signature = header.alg === 'none' ? '' : createHmac(hash, secret).update(text).digest('base64url');
  return `${text}.${signature}`;
}

export class Daemon {
  /**
   * options.config: {'consent.lease_ms': 500} becomes RECGATE_CONSENT_LEASE_MS; args: more arguments; place: of scratch();
   * listen, media: addresses; scheme: 'https' where TLS is configured; before: a command that starts the daemon in its turn ('ip', 'netns', 'exec', 'x').
   */
  static async start(options = {}) {
    const daemon = new Daemon(options);
    await daemon.ready();
    return daemon;
  }

  constructor({ place, config = {}, args = [], listen = '127.0.0.1:0', media = '127.0.0.1:0', before = [], scheme = 'http' } = {}) {
    this.scheme = scheme;
    if (!existsSync(RECGATE)) throw new Error(`${RECGATE} is missing: run ./dev build`);
    this.ownsPlace = !place;
    this.place = place ?? scratch();
    const env = { ...process.env };
    for (const [key, value] of Object.entries(config)) env[`RECGATE_${key.replace('.', '_').toUpperCase()}`] = String(value);
    const command = [...before, RECGATE, '--data', this.place.data, '--listen', listen, '--media', media, '--secret-file', this.place.secret, ...args];
    this.process = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.output = '';
    this.log = '';
    this.process.stdout.on('data', (bytes) => (this.output += bytes));
    this.process.stderr.on('data', (bytes) => (this.log += bytes));
    this.ended = new Promise((resolve) => this.process.on('close', (code, signal) => resolve({ code, signal })));
    this.ended.then((how) => (this.how = how));
  }

  async ready(ms = 10_000) {
    const found = await until(() => this.how ? { how: this.how } : READY.exec(this.output), 'the ready line', ms).catch((error) => {
      this.process.kill('SIGKILL');
      throw new Error(`${error.message}\n${this.output}${this.log}`);
    });
    if (found.how) throw new Error(`recgate ended with ${JSON.stringify(found.how)}\n${this.output}${this.log}`);
    [, this.http, this.media] = found;
  }

  get pid() { return this.process.pid; }
  get data() { return this.place.data; }
  get base() { return `${this.scheme}://${this.http}`; }

  /** As `recgatectl token` makes it. */
  token(session, participant, role, { name, ttl = 600 } = {}) {
    const args = ['token', '--secret-file', this.place.secret, '--session', session, '--participant', participant, '--role', role, '--ttl', String(ttl)];
    return execFileSync(RECGATECTL, name ? [...args, '--name', name] : args, { encoding: 'utf8' }).trim();
  }

  /** recgatectl on this data directory: {status, json, output, error}. */
  ctl(...args) {
    try {
      const output = execFileSync(RECGATECTL, [...args, '--data', this.data], { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] });
      return { status: 0, output, error: '' };
    } catch (failure) {
      return { status: failure.status, output: failure.stdout, error: String(failure.stderr) };
    }
  }

  #store(sql) {
    const run = 'import sqlite3,sys; db=sqlite3.connect(sys.argv[1], timeout=20); db.executescript(sys.argv[2]); db.close()';
    execFileSync('python3', ['-c', run, path.join(this.data, 'vault.db'), sql]);
  }

  /** A trigger in the store stands for a disk that refuses: nothing that would add a row to that table is written, all else is. */
  refuse(table = 'leaves') {
    this.#store(`CREATE TRIGGER refusing BEFORE INSERT ON ${table} BEGIN SELECT raise(ABORT, 'the test refuses'); END;`);
  }

  relent() { this.#store('DROP TRIGGER IF EXISTS refusing;'); }

  /** {status, json | bytes} of an HTTP request; token goes into Authorization. */
  async get(where, token, init = {}) {
    const headers = { ...init.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(this.base + where, { ...init, headers });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const json = answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(bytes) : undefined;
    return { status: answer.status, headers: answer.headers, bytes, json };
  }

  post(where, token, body) {
    return this.get(where, token, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  }

  async segments(session) {
    const { status, json } = await this.get(`/v1/sessions/${session}/segments`, this.token(session, 'auditor', 'auditor'));
    if (status !== 200) throw new Error(`segments of ${session}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  async stop(signal = 'SIGTERM') {
    if (!this.how) this.process.kill(signal);
    const hard = setTimeout(() => this.process.kill('SIGKILL'), 10_000 * SLOW);
    const how = await this.ended;
    clearTimeout(hard);
    return how;
  }

  /** What every test leaves behind keeps the rules, as an auditor sees it (R22); a test that does harm on purpose says audited: false. */
  #audit() {
    const { status, output, error } = this.ctl('verify');
    if (status === 1) throw new Error(`recgatectl verify: ${error}\n${output}`);
  }

  async end({ audited = true } = {}) {
    const how = await this.stop();
    if (this.ownsPlace && audited && existsSync(path.join(this.data, 'vault.db'))) this.#audit();
    if (this.ownsPlace) this.place.remove();
    return how;
  }
}
