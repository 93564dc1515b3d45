// SPDX-License-Identifier: Apache-2.0
// recgatectl and recgate's command line as a user meets them (PROTOCOL.md, Commands). Usage: node ctl.mjs BUILD_DIR
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BUILD = process.argv[2];
const dir = mkdtempSync(join(tmpdir(), 'recgate-ctl-'));
const data = join(dir, 'data');
test.after(() => rmSync(dir, { recursive: true }));

const run = (program, ...args) => {
  const { status, stdout, stderr } = spawnSync(join(BUILD, program), args, { encoding: 'utf8', cwd: dir });
  return { status, stdout, stderr };
};
const ctl = (...args) => run('recgatectl', ...args);

const refused = ({ status, stdout, stderr }, part) => {
  assert.equal(status, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, part);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
};

test('token: a JWT with the claims asked for', () => {
  const secret = join(dir, 'secret');
  writeFileSync(secret, `${'k'.repeat(32)}\n`);
  const args = ['token', '--secret-file', secret, '--session', 's', '--participant', 'p', '--role', 'expert', '--name', 'Zoë', '--ttl', '60'];
  const { status, stdout } = ctl(...args);
  assert.equal(status, 0);
  const claims = JSON.parse(Buffer.from(stdout.split('.')[1], 'base64url'));
  assert.deepEqual({ ...claims, iat: 0, exp: claims.exp - claims.iat }, { aud: 'recgate', sid: 's', sub: 'p', role: 'expert', name: 'Zoë', iat: 0, exp: 60 });
  assert.equal(JSON.parse(ctl(...args, '--json').stdout).token.split('.').length, 3);
  refused(ctl('token', '--session', 's'), /secret/);
  refused(ctl(...args, '--role', 'boss'), /--role/);
  refused(ctl(...args, '--session', '../s'), /--session/);
  refused(ctl(...args, '--ttl', '0'), /--ttl/);
  writeFileSync(secret, 'short');
  refused(ctl(...args), /at least 32/);
});

test('wrong use is status 2 and one line', () => {
  refused(ctl(), /which command/);
  refused(ctl('verfy'), /no such command/);
  refused(ctl('--nope'), /nope/);
  refused(ctl('sessions', 'x'), /too many/);
  refused(ctl('sessions', '--data', join(dir, 'none')), /not a data directory/);
  refused(ctl('export', 's', '--data', data), /whose recording/);
  refused(run('recgate', '--listen', 'localhost:1'), /ADDR:PORT/);
  assert.equal(run('recgate', '--version').status, 0);
  assert.match(run('recgate', '--help').stdout, /--announce IP/);
  assert.match(run('recgate', '--print-config').stdout, /signaling\.listen = 127\.0\.0\.1:8480 +# default/);
});

test('R20: an export needs the ledger, so a running daemon keeps it; the lists work beside it', async () => {
  const daemon = spawn(join(BUILD, 'recgate'), ['--data', data, '--listen', '127.0.0.1:0', '--media', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise((resolve) => daemon.once('exit', resolve));
  await new Promise((resolve, reject) => { daemon.stdout.once('data', resolve); daemon.once('exit', reject); });
  refused(ctl('export', 's', '--participant', 'p', '--data', data), /running recgate owns/);
  assert.deepEqual(JSON.parse(ctl('sessions', '--json', '--data', data).stdout), []);
  daemon.kill('SIGTERM');
  assert.equal(await gone, 0);
  refused(ctl('export', 's', '--participant', 'p', '--data', data), /no such session/);
  assert.deepEqual(readdirSync(dir).filter((name) => name.includes('.webm')), []);
  assert.deepEqual(JSON.parse(ctl('sessions', '--json', '--data', data).stdout), [], 'a refused export made the session exist');
  writeFileSync(join(dir, 's-p.webm'), 'mine');
  refused(ctl('export', 's', '--participant', 'p', '--data', data), /exists/);
  assert.ok(!existsSync(join(dir, 's-p.webm.part')));
});
