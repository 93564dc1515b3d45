// SPDX-License-Identifier: Apache-2.0
// The clip that is played, and a look at what was recorded of it.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { BUILD } from '../relay/shared.mjs';

export const BENCH = path.join(BUILD, 'bench');

/** Made once: the encoders may give another clip in another version, but the same one to all that are compared. */
export function clip() {
  const file = path.join(BENCH, 'recording.clip');
  mkdirSync(BENCH, { recursive: true });
  if (!existsSync(file)) {
    execFileSync(path.join(BUILD, 'tests/bench/bench-make-clip'), [`${file}.new`], { stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(`${file}.new`, file);
  }
  return file;
}

/** Decodes a file's video: all frames that were sent are in it, but for so many; of one more some packets may be. */
export function mustPlay(file, frames, whose, missing = 0) {
  const found = Number(execFileSync('ffprobe', ['-v', 'fatal', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim());
  if (!(found <= frames + 1 && found >= frames - missing)) throw new Error(`${whose}: ${found} frames can be played of ${frames} that were sent`);
}

/** CPU of a command and its children, in ms. */
export function cpuOf(...command) {
  const { status, stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null 2>/dev/null', 'bash', ...command], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return stderr.trim().split(' ').reduce((sum, seconds) => sum + 1000 * Number(seconds), 0);
}
