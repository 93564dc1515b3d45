// SPDX-License-Identifier: Apache-2.0
// The installed service without a service manager: what the unit says is carried out here, as far as it is about starting and ending.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { Daemon, until } from '../integration/daemon.mjs';

export const UNIT = '/lib/systemd/system/recgate.service';
export const DATA = '/var/lib/recgate';

/** The values of a key of the unit, in their order. */
export function unit(key) {
  return [...readFileSync(UNIT, 'utf8').matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value);
}

/** Listens where NOTIFY_SOCKET says, as a service manager would, and prints what it is told; node has no datagram sockets of that family. */
const MANAGER = `import socket, sys
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(sys.argv[1].replace('@', chr(0)))
print('listening', flush=True)
while True: print(told.recv(200).decode(), flush=True)`;

export class Service extends Daemon {
  /** As ExecStart, User, Environment and the directories of the unit say; WATCHDOG_USEC is shorter, so as not to wait. */
  static async start({ watchdog_us = 200_000, credentials } = {}) {
    const service = Object.create(Service.prototype);
    const [user] = unit('User');
    const socket = `@recgate-test-${process.pid}-${Date.now()}`;
    const specifiers = (text) => text.replaceAll('%C', '/var/cache');
    mkdirSync('/var/cache/recgate', { recursive: true, mode: 0o700 });
    await run('chown', `${user}:${user}`, '/var/cache/recgate');
    service.scheme = 'http';
    service.place = { data: DATA, secret: `${DATA}/secret` };
    service.manager = spawn('python3', ['-c', MANAGER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    service.told = '';
    service.manager.stdout.on('data', (bytes) => (service.told += bytes));
    await until(() => service.told.includes('listening'), 'the manager’s socket');
    const environment = Object.fromEntries(unit('Environment').map((text) => specifiers(text).split(/=(.*)/s).slice(0, 2)));
    service.process = spawn('setpriv', ['--reuid', user, '--regid', user, '--clear-groups', '--bounding-set', '-all', '--inh-caps', '-all',
      '--no-new-privs', '--', ...unit('ExecStart')[0].split(' ')],
    {
      cwd: '/', stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...environment, ...(credentials && { CREDENTIALS_DIRECTORY: credentials }), NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(watchdog_us) },
    });
    service.output = '';
    service.log = '';
    service.process.stdout.on('data', (bytes) => (service.output += bytes));
    service.process.stderr.on('data', (bytes) => (service.log += bytes));
    service.ended = new Promise((resolve) => service.process.on('close', (code, signal) => resolve({ code, signal })));
    service.ended.then((how) => (service.how = how));
    try {
      await service.ready();
      await until(() => service.told.includes('READY=1'), 'READY=1');
      return service;
    } catch (error) {
      await service.stop();
      service.manager.kill();
      throw error;
    }
  }

  async end() {
    try {
      const how = await this.stop();
      await until(() => this.told.includes('STOPPING=1'), 'STOPPING=1');
      return how;
    } finally {
      this.manager.kill();
    }
  }
}

/** Runs a command to its end: its output; throws where it fails. */
export function run(command, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`${command} ${args.join(' ')}: ${code}\n${output}`))));
  });
}
