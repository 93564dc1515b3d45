// SPDX-License-Identifier: Apache-2.0
// Looks at a directory from outside the daemon: inotify for what happens, the file system and /proc for what is there.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';

export class Watch {
  /** Every create, write, rename and removal under dir from now on; the directory is made if it is not there yet. */
  static async start(dir) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const watch = new Watch();
    watch.events = [];
    const args = ['-m', '-r', '-e', 'create', '-e', 'modify', '-e', 'moved_to', '-e', 'moved_from', '-e', 'delete', '--format', '%e\t%w%f', dir];
    watch.process = spawn('inotifywait', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    watch.ended = new Promise((resolve) => watch.process.on('close', resolve));
    let rest = '';
    watch.process.stdout.on('data', (bytes) => {
      const lines = (rest + bytes).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const [what, file] = line.split('\t');
        watch.events.push({ what: what.split(','), file, at: Date.now() });
      }
    });
    await new Promise((resolve, reject) => {
      let said = '';
      watch.process.stderr.on('data', (bytes) => {
        said += bytes;
        if (said.includes('established')) resolve();
      });
      watch.ended.then(() => reject(new Error(`inotifywait: ${said}`)));
    });
    return watch;
  }

  /** Events about files, not directories. */
  get files() { return this.events.filter((event) => !event.what.includes('ISDIR')); }

  stop() {
    this.process.kill('SIGTERM');
    return this.ended;
  }
}

/** [{file, bytes}] of all files under dir. */
export function filesUnder(dir) {
  let entries = [];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error; // gone meanwhile
  }
  return entries.flatMap((entry) => {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) return filesUnder(file);
    try {
      return [{ file, bytes: statSync(file).size }];
    } catch {
      return [];
    }
  });
}

export const bytesUnder = (dir) => filesUnder(dir).reduce((sum, { bytes }) => sum + bytes, 0);

/** Files under dir that the process holds open, unlinked ones too. */
export function openUnder(pid, dir) {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return target.startsWith(dir + path.sep) ? [target] : [];
    } catch {
      return [];
    }
  });
}
