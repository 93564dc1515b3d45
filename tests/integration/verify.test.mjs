// SPDX-License-Identifier: Apache-2.0
// `recgatectl verify` over the log of a real daemon, beside it and after it (R21, R22; fault 37; PROTOCOL.md, Commands).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client, record } from './client.mjs';
import { Daemon, sleep, SLOW } from './daemon.mjs';

let daemon;
const aside = mkdtempSync(path.join(tmpdir(), 'recgate-verify-'));
before(async () => {
  daemon = await Daemon.start({ config: { 'consent.lease_ms': 1000 * SLOW, 'consent.heartbeat_ms': 200, 'consent.absent_ms': 2500 * SLOW } });
});
after(async () => {
  await daemon.end();
  rmSync(aside, { recursive: true, force: true });
});

const verify = (...args) => {
  const { status, output, error } = daemon.ctl('verify', '--json', ...args);
  return { status, error, verdict: status === 2 ? null : JSON.parse(output) };
};
const holds = (...args) => {
  const { status, error, verdict } = verify(...args);
  assert.equal(status, 0, `${error} ${JSON.stringify(verdict?.findings)}`);
  assert.equal(verdict.ok, true);
  return verdict;
};
const sql = (text) => execFileSync('python3', ['-c', 'import sqlite3, sys\nd = sqlite3.connect(sys.argv[1]); print(*[r[0] for r in d.execute(sys.argv[2])], end=""); d.commit()',
  path.join(daemon.data, 'vault.db'), text], { encoding: 'utf8' });
const saveCheckpoint = (name) => {
  const file = path.join(aside, name);
  writeFileSync(file, sql('SELECT note FROM checkpoint'));
  return file;
};

test('a call with everything in it: all is well, beside the daemon', async () => {
  const anna = await Client.join(daemon, 'all', 'anna', 'expert');
  const ben = await Client.join(daemon, 'all', 'ben', 'client');
  await record(anna, [ben]);
  await Promise.all([anna.state('recording'), ben.state('recording')]);
  assert.equal((await ben.request({ type: 'recording.pause' })).state, 'paused');
  holds();
  assert.equal((await ben.request({ type: 'recording.resume' })).type, 'recording.state');
  const mark = anna.mark();
  const cleo = await Client.join(daemon, 'all', 'cleo', 'observer'); // closes the gate (R8)
  const asked = await cleo.expect('consent.ask');
  await cleo.request({ type: 'consent.grant', request: asked.request, disclosure_sha256: asked.disclosure_sha256, media: ['audio'] });
  await anna.state('recording', { since: mark });
  await cleo.leave();
  const again = await Client.join(daemon, 'all', 'ben', 'client'); // takes his own place (R15)
  holds();
  assert.equal((await again.request({ type: 'consent.withdraw' })).type, 'consent.withdrawn');
  const { totals, session_list } = holds();
  assert.deepEqual([totals.sessions, totals.requests, totals.withdrawals], [1, 1, 1]);
  assert.equal(session_list[0].people.length, 3);
  assert.ok(!JSON.stringify(session_list).includes('anna'), 'the log names nobody (R23)');
  for (const one of [anna, ben, again]) one.close();
});

test('no, offered again, silence: all is well', async () => {
  const anna = await Client.join(daemon, 'no', 'anna', 'expert');
  const ben = await Client.join(daemon, 'no', 'ben', 'client');
  const request = (await anna.request({ type: 'recording.request', disclosure: { purpose: 'education', use: 'Once.', storage: 'Here.', access: ['me'],
    third_parties: [], retention_s: 60, on_withdrawal: 'session', language: 'en' } })).request;
  await ben.expect('consent.ask');
  await ben.request({ type: 'consent.decline', request });
  await ben.request({ type: 'consent.offer' });
  await record(anna, [ben]);
  await anna.state('recording');
  ben.reset(); // silent: suspended at the lease, gone after absent_ms (R10)
  await anna.expect('participant.left', 'ben to be gone', 6000);
  holds();
  anna.close();
});

test('kill -9 while recording, and another process after it: all is well', async () => {
  const anna = await Client.join(daemon, 'killed', 'anna', 'expert');
  await record(anna, []);
  await anna.state('recording');
  const saved = saveCheckpoint('before-the-kill');
  await daemon.stop('SIGKILL');
  holds('--checkpoint', saved);
  const { place, ownsPlace } = daemon;
  daemon = await Daemon.start({ place });
  daemon.ownsPlace = ownsPlace;
  const back = await Client.join(daemon, 'killed', 'anna', 'expert');
  await record(back, []);
  await back.state('recording');
  assert.ok(holds('--checkpoint', saved).against[0].holds);
  anna.close();
  back.close();
  await sleep(50);
});

test('the key, and what a person reads', () => {
  const key = daemon.ctl('key').output.toString().trim();
  assert.match(key, /^recgate\/[0-9a-f]{16}\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/);
  assert.equal(holds('--key', key).log.key, key);
  const { status, output, error } = daemon.ctl('verify', '--key', key);
  assert.equal(status, 0, error);
  const text = output.toString();
  for (const line of [/^All is well/, /person 1 \(expert\), person 2 \(client\)/, /closed: withdrawn/, /\nChecked\n/, /\nNot checked\n/]) assert.match(text, line);
  assert.ok(!text.includes('\r') && error === '', 'progress goes to a terminal only');
});

test('tampering is found, with status 1 and one line; wrong use is status 2', async () => {
  await daemon.stop();
  const saved = saveCheckpoint('at-the-end');
  const leaf = sql('SELECT leaf FROM leaves WHERE idx = 3');
  sql(`UPDATE leaves SET leaf = replace(leaf, '"type":"', '"type":"x') WHERE idx = 3`);
  const { status, verdict, error } = verify();
  assert.equal(status, 1);
  assert.equal(verdict.findings[0].leaf, 3);
  assert.equal(error.trimEnd().split('\n').length, 1, error);
  assert.match(error, /leaf 3/);
  sql(`UPDATE leaves SET leaf = '${leaf}' WHERE idx = 3`);
  assert.ok(holds('--checkpoint', saved).against[0].holds);
  for (const bad of [['--checkpoint', path.join(aside, 'none')], ['--key', 'nonsense'], ['more']]) assert.equal(daemon.ctl('verify', ...bad).status, 2, bad.join(' '));
});
