// SPDX-License-Identifier: Apache-2.0
// Evidence bundles, reports of participants and their way out, and the end of a session for everybody (R14, R20, R21, R25).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, record } from './client.mjs';
import { Daemon, RECGATECTL, scratch, until } from './daemon.mjs';

let sessions = 0;
const fresh = () => `reports-${++sessions}`;

/** recgatectl with its exit status. */
function ctl(...args) {
  try {
    return { status: 0, output: execFileSync(RECGATECTL, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 }) };
  } catch (failure) {
    return { status: failure.status, output: String(failure.stdout), error: String(failure.stderr) };
  }
}

/** Files of a zip, through python's own reader: not the one that wrote it. */
function unzip(file) {
  const script = 'import json,sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(json.dumps({n: z.read(n).decode() for n in z.namelist()}))';
  return JSON.parse(execFileSync('python3', ['-c', script, file], { encoding: 'utf8', maxBuffer: 1 << 28 }));
}

async function people(daemon, session = fresh()) {
  const anna = await Client.join(daemon, session, 'anna', 'expert', { name: 'Anna <b>' });
  const ben = await Client.join(daemon, session, 'ben', 'client', { name: 'Ben' });
  return { session, anna, ben };
}

async function recorded(daemon, disclosure) {
  const call = await people(daemon);
  const asked = await record(call.anna, [call.ben], disclosure);
  await Promise.all([call.anna.state('recording'), call.ben.state('recording')]);
  return { ...call, ...asked };
}

const close = ({ anna, ben }) => [anna, ben].forEach((one) => one.close());

describe('the evidence bundle', () => {
  let daemon;
  before(async () => { daemon = await Daemon.start(); });
  after(() => daemon.end());
  const auditor = (session) => daemon.token(session, 'auditor-7', 'auditor');
  const evidence = (session, token) => daemon.get(`/v1/sessions/${session}/evidence`, token);

  test('an auditor gets it by HTTP, and it holds offline (R20, R25)', async () => {
    const call = await recorded(daemon);
    const answer = await evidence(call.session, auditor(call.session));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/zip');
    assert.match(answer.headers.get('content-disposition'), new RegExp(`${call.session}-evidence.zip`));
    const file = path.join(daemon.place.dir, 'e.zip');
    writeFileSync(file, answer.bytes);
    const checked = ctl('evidence', '--check', file, '--json');
    assert.equal(checked.status, 0, checked.error);
    assert.equal(JSON.parse(checked.output).session, call.session);
    const files = unzip(file);
    const manifest = JSON.parse(files['manifest.json']);
    assert.deepEqual(Object.keys(files).sort(), [...Object.keys(manifest.files), 'manifest.json'].sort());
    const leaves = files['leaves.jsonl'].trim().split('\n').map((line) => JSON.parse(JSON.parse(line).leaf));
    // The access itself is in it: on the ledger before the first byte.
    assert.equal(leaves.at(-1).type, 'access');
    assert.equal(leaves.at(-1).what, 'evidence');
    assert.ok(JSON.parse(files['salts.json']).staff['auditor-7']);
    assert.deepEqual(JSON.parse(files['session.json']).participants.map((one) => one.id).sort(), ['anna', 'ben']);
    assert.ok(files['summary.html'].includes('Anna &lt;b&gt;'));
    close(call);
  });

  test('its page speaks the language of the disclosure', async () => {
    const call = await recorded(daemon, { language: 'es' });
    const answer = await evidence(call.session, auditor(call.session));
    const file = path.join(daemon.place.dir, 'es.zip');
    writeFileSync(file, answer.bytes);
    assert.match(unzip(file)['summary.html'], /<html lang="es">[^]*Personas/);
    close(call);
  });

  test('nobody else gets it, an unknown session is none, and neither leaves a trace in a session', async () => {
    const call = await people(daemon);
    for (const role of ['expert', 'client', 'service']) {
      const answer = await evidence(call.session, daemon.token(call.session, 'x', role));
      assert.equal(answer.status, 403, role);
    }
    assert.equal((await evidence(call.session)).status, 401);
    assert.equal((await evidence('never-was', auditor('never-was'))).status, 404);
    const known = (await daemon.get('/v1/sessions', auditor(call.session))).json.map(({ id }) => id);
    assert.ok(!known.includes('never-was'));
    close(call);
  });
});

test('recgatectl makes and checks it offline, leaf first', async () => {
  const place = scratch();
  const daemon = await Daemon.start({ place });
  const call = await recorded(daemon);
  const [file, other] = [path.join(place.dir, 'a.zip'), path.join(place.dir, 'b.zip')];
  const busy = ctl('evidence', call.session, '-o', file, '--data', place.data);
  assert.equal(busy.status, 2);
  assert.match(busy.error, /owns .*GET \/v1\/sessions/);
  close(call);
  await daemon.stop();
  const made = ctl('evidence', call.session, '-o', file, '--data', place.data);
  assert.equal(made.status, 0, made.error);
  const checked = ctl('evidence', '--check', file);
  assert.equal(checked.status, 0, checked.error);
  assert.match(checked.output, /holds[^]*key inside it/);
  const key = unzip(file)['key.txt'].trim();
  assert.match(ctl('evidence', '--check', file, '--key', key).output, /Signed by the key given/);
  assert.equal(ctl('evidence', call.session, '-o', file, '--data', place.data).status, 2, 'nothing is overwritten');
  assert.equal(ctl('evidence', 'never-was', '-o', other, '--data', place.data).status, 2);
  // One bit anywhere in the packed files is found; what is found has exit status 1 or, where it is no zip any more, 2.
  const bytes = readFileSync(file);
  for (let i = 1; i < 40; i++) {
    const bad = Buffer.from(bytes);
    bad[Math.floor((bytes.length * 0.8 * i) / 40)] ^= 1 << (i % 8);
    writeFileSync(other, bad);
    const found = ctl('evidence', '--check', other, '--key', key);
    // Dates and attributes in a zip's headers say nothing: then the contents are still the same.
    if (found.status === 0) assert.deepEqual(unzip(other), unzip(file));
  }
  place.remove();
});

const report = (who, text, more = {}) => who.request({ type: 'violation.report', text, ...more });

/** The session's own leaves, of the bundle that an auditor gets. */
async function leavesOf(daemon, session) {
  const answer = await daemon.get(`/v1/sessions/${session}/evidence`, daemon.token(session, 'auditor', 'auditor'));
  assert.equal(answer.status, 200);
  const file = path.join(daemon.place.dir, `${session}-leaves.zip`);
  writeFileSync(file, answer.bytes);
  return unzip(file)['leaves.jsonl'].trim().split('\n').map((line) => JSON.parse(JSON.parse(line).leaf));
}

const kept = (daemon) => (existsSync(path.join(daemon.data, 'evidence')) ? readdirSync(path.join(daemon.data, 'evidence')) : []);

describe('reports and disputes', () => {
  let daemon;
  before(async () => { daemon = await Daemon.start(); });
  after(() => daemon.end());

  test('are on the ledger before they are answered, with the text as a commitment alone, and sealed (R21, R23, R25)', async () => {
    const call = await recorded(daemon);
    const made = await report(call.ben, '  Somebody films with a phone.\n<b>Really</b>  ');
    assert.equal(made.type, 'violation.recorded');
    assert.equal(made.report.title, 'Rule Violation Report');
    assert.equal(made.report.kind, 'violation');
    assert.equal(made.report.session, call.session);
    const dispute = await report(call.anna, 'We agreed on twenty minutes.', { kind: 'dispute' });
    assert.equal(dispute.report.title, 'Session Dispute');
    await until(() => kept(daemon).length === 2, 'two sealed bundles');
    const bundle = path.join(daemon.data, 'evidence', `${made.report.id}.zip`);
    assert.equal(statSync(bundle).mode & 0o777, 0o600);
    assert.equal(ctl('evidence', '--check', bundle).status, 0);
    const files = unzip(bundle);
    assert.equal(JSON.parse(files['manifest.json']).title, 'Rule Violation Report');
    assert.equal(JSON.parse(files['reports.json'])[0].text, 'Somebody films with a phone.\n<b>Really</b>');
    assert.match(files['summary.html'], new RegExp(`<h1>Rule Violation Report: ${call.session}</h1>[^]*Somebody films with a phone.<br>&lt;b&gt;Really`));
    const leaves = await leavesOf(daemon, call.session);
    const leaf = leaves.find((one) => one.report === made.report.id && one.type === 'report');
    assert.match(leaf.text, /^[\w-]{43}$/);
    assert.match(leaf.participant, /^[\w-]{43}$/);
    const sealed = leaves.find((one) => one.report === made.report.id && one.type === 'report_sealed');
    assert.equal(sealed.sha256, createHash('sha256').update(readFileSync(bundle)).digest('hex'));
    assert.ok(!daemon.log.includes('phone'), 'what people write is not in the log');
    close(call);
  });

  test('what is no report is refused, and nothing is written', async () => {
    const call = await people(daemon);
    const before = (await leavesOf(daemon, call.session)).length;
    for (const [bad, code] of [[{ text: '' }, 'report_empty'], [{ text: ' \n ' }, 'report_empty'], [{}, 'report_empty'], [{ text: 7 }, 'report_empty'],
      [{ text: 'x'.repeat(4001) }, 'report_too_long'], [{ text: 'x', kind: 'joke' }, 'bad_kind'], [{ text: 'x', kind: 7 }, 'bad_kind']]) {
      const answer = await call.ben.request({ type: 'violation.report', ...bad });
      assert.equal(answer.type, 'error', JSON.stringify(bad));
      assert.equal(answer.code, code);
    }
    assert.equal((await leavesOf(daemon, call.session)).length, before + 1, 'the look itself, and nothing more');
    close(call);
  });

  test('a person may make ten of them in a session, the others theirs as well', async () => {
    const call = await people(daemon);
    for (let i = 0; i < 10; i++) assert.equal((await report(call.ben, `number ${i}`)).type, 'violation.recorded');
    const answer = await report(call.ben, 'number 10');
    assert.equal(answer.code, 'too_many_reports');
    assert.ok(answer.message.length > 20);
    assert.equal((await leavesOf(daemon, call.session)).filter((one) => one.type === 'report').length, 10);
    assert.equal((await report(call.anna, 'mine')).type, 'violation.recorded');
    close(call);
  });

  test('are of somebody in the call: not before joining, not on a socket that was replaced (R15, R25)', async () => {
    const call = await people(daemon);
    const stranger = await Client.open(daemon);
    assert.equal((await report(stranger, 'let me in')).code, 'not_joined');
    stranger.close();
    const second = await Client.join(daemon, call.session, 'ben', 'client');
    await call.ben.expect('replaced');
    assert.equal((await report(call.ben, 'from the old window')).code, 'replaced');
    assert.equal((await report(second, 'from the new one')).type, 'violation.recorded');
    second.close();
    close(call);
  });

  test('one whose bundle was not sealed when the daemon was killed is sealed at the next start', async () => {
    const place = scratch();
    let own = await Daemon.start({ place });
    const call = await people(own);
    const made = await report(call.ben, 'just before the crash');
    await own.stop('SIGKILL');
    writeFileSync(path.join(place.data, 'evidence-was'), ''); // whatever else lies there is left alone
    rmSync(path.join(place.data, 'evidence'), { recursive: true, force: true });
    execFileSync('python3', ['-c', 'import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); d.execute("UPDATE reports SET sha256 = NULL"); d.commit()', path.join(place.data, 'vault.db')]);
    own = await Daemon.start({ place });
    await until(() => kept(own).includes(`${made.report.id}.zip`), 'the bundle');
    assert.equal((await own.stop()).code, 0);
    place.remove();
  });
});

describe('the end of a session for everybody', () => {
  let daemon;
  before(async () => { daemon = await Daemon.start({ config: { 'consent.lease_ms': 2000, 'consent.heartbeat_ms': 200, 'consent.absent_ms': 4000 } }); });
  after(() => daemon.end());

  test('everyone is told and off the roster, the take closes, and it is on the ledger (R14, R21)', async () => {
    const call = await recorded(daemon);
    const ended = await call.anna.request({ type: 'session.end' });
    assert.equal(ended.type, 'session.ended');
    assert.equal(ended.by, 'anna');
    const told = await call.ben.expect('session.ended');
    assert.equal(told.by, 'anna');
    assert.ok(Number.isInteger(told.n));
    assert.equal(call.ben.log.filter(({ type }) => type === 'recording.state').at(-1).state, 'stopped');
    assert.equal((await call.ben.request({ type: 'alive', echo: told.n })).type, 'alive', 'the socket stays');
    for (const type of ['recording.resume', 'session.end', 'violation.report', 'consent.offer'])
      assert.equal((await call.anna.request({ type })).code, 'not_joined', type);
    const leaves = await leavesOf(daemon, call.session);
    const types = leaves.map(({ type }) => type);
    const at = types.indexOf('session_end');
    assert.ok(at > types.indexOf('gate_open'));
    assert.deepEqual(types.filter((type) => type === 'leave').length, 2);
    assert.ok(types.indexOf('gate_close') > at && types.indexOf('leave') > at, types.join(' '));
    close(call);
  });

  test('and everyone can still withdraw, on the socket that stayed (R6)', async () => {
    const call = await recorded(daemon);
    await call.anna.request({ type: 'session.end' });
    await call.ben.expect('session.ended');
    const done = await call.ben.request({ type: 'consent.withdraw' });
    assert.equal(done.type, 'consent.withdrawn');
    close(call);
  });

  test('who may not ask to record may not end it either, and nothing comes of trying (R2)', async () => {
    const call = await recorded(daemon);
    const before = (await leavesOf(daemon, call.session)).length;
    assert.equal((await call.ben.request({ type: 'session.end' })).code, 'role_may_not_end');
    assert.equal((await leavesOf(daemon, call.session)).length, before + 1, 'the look itself, and nothing more');
    assert.equal(call.anna.log.filter(({ type }) => type === 'session.ended').length, 0);
    assert.equal(call.anna.log.filter(({ type }) => type === 'recording.state').at(-1).state, 'recording');
    close(call);
  });

  test('a withdrawal right behind it, or right before it, wins (R11)', async () => {
    for (const first of ['session.end', 'consent.withdraw']) {
      const call = await recorded(daemon);
      const second = first === 'session.end' ? 'consent.withdraw' : 'session.end';
      call.anna.send({ type: first, id: 'a' });
      call.anna.send({ type: second, id: 'b' });
      await call.anna.expect('consent.withdrawn');
      await call.ben.expect('session.ended');
      assert.ok((await daemon.segments(call.session)).every(({ state }) => state !== 'kept'));
      close(call);
    }
  });
});
