// SPDX-License-Identifier: Apache-2.0
// Janus from Debian, real and running: a process of its own on free ports of 127.0.0.1, with a configuration in a scratch directory.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './daemon.mjs';

const PROGRAM = '/usr/bin/janus';
// Loopback candidates: Janus offers none of that interface, so it is made to look like any other (tests/bench/relay/loopback-shim.c).
const LOOPBACK = fileURLToPath(new URL('../../build/tests/bench/libbench-loopback.so', import.meta.url));
export const JANUS_IS_HERE = existsSync(PROGRAM);

function librariesAt() {
  const triple = readdirSync('/usr/lib').find((name) => existsSync(`/usr/lib/${name}/janus/plugins`));
  return `/usr/lib/${triple}/janus`;
}

async function freePort() {
  const server = createServer();
  const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const answers = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1', () => resolve(true) || socket.destroy());
  socket.on('error', () => resolve(false));
});

/** All of a folder's libraries but those named. */
const allBut = (folder, wanted) => readdirSync(folder).filter((name) => name.endsWith('.so') && !wanted.some((one) => name === `libjanus_${one}.so`)).join(',');

export class JanusProcess {
  /**
   * transport: 'websockets' or 'http'; plugins: names such as 'echotest'; config: files of the plugins, {'janus.plugin.videoroom.jcfg': text};
   * general, nat: more of these sections; debug: its level of logging; environment, before: of the process.
   */
  static async start(options = {}) {
    const janus = new JanusProcess();
    await janus.#begin(options);
    return janus;
  }

  async #begin({ transport = 'websockets', plugins = ['echotest', 'videoroom'], config = {}, general = '', nat = '', debug = 4, environment = {}, before = [] }) {
    const libraries = librariesAt();
    this.place = mkdtempSync(path.join(tmpdir(), 'recgate-janus-'));
    const none = path.join(this.place, 'none');
    mkdirSync(none);
    this.port = await freePort();
    writeFileSync(path.join(this.place, 'janus.jcfg'), `general: {
      configs_folder = "${this.place}" plugins_folder = "${libraries}/plugins" transports_folder = "${libraries}/transports"
      events_folder = "${none}" loggers_folder = "${none}" debug_level = ${debug} ${general} }
      nat: { ice_enforce_list = "lo" ${nat} }
      plugins: { disable = "${allBut(`${libraries}/plugins`, plugins)}" }
      transports: { disable = "${allBut(`${libraries}/transports`, [transport])}" }`);
    const listens = transport === 'http' ? `json = "compact" base_path = "/janus" http = true port = ${this.port} ip = "127.0.0.1" https = false`
      : `json = "compact" ws = true ws_port = ${this.port} ws_ip = "127.0.0.1" wss = false`;
    writeFileSync(path.join(this.place, `janus.transport.${transport}.jcfg`), `general: { ${listens} }`);
    for (const [name, text] of Object.entries(config)) writeFileSync(path.join(this.place, name), text);
    const command = [...before, PROGRAM, '-F', this.place];
    this.process = spawn(command[0], command.slice(1), { env: { ...process.env, LD_PRELOAD: LOOPBACK, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.said = '';
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (bytes) => (this.said = (this.said + bytes).slice(-20_000)));
    this.ended = new Promise((resolve) => this.process.on('close', () => resolve((this.isOver = true))));
    await until(() => this.isOver || answers(this.port), 'Janus', 10_000);
    if (this.isOver) throw new Error(`Janus did not start: ${this.said.slice(-2000)}`);
  }

  get pid() { return this.process.pid; }
  get ws() { return `ws://127.0.0.1:${this.port}`; }
  get http() { return `http://127.0.0.1:${this.port}/janus`; }

  async stop() {
    if (!this.isOver) this.process.kill('SIGKILL');
    await this.ended;
    rmSync(this.place, { recursive: true, force: true });
  }
}
