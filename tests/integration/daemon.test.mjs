// SPDX-License-Identifier: Apache-2.0
// The process: options, one owner a directory, ends, crashes, a store that refuses (PROTOCOL.md; R13, R20; faults 29, 30, 32, 33, 35).
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Client, DISCLOSURE, record } from './client.mjs';
import { Daemon, RECGATE, RECGATECTL, scratch, sleep, SLOW, until } from './daemon.mjs';

const run = (args, env = {}) => spawnSync(RECGATE, args, { encoding: 'utf8', timeout: 10_000 * SLOW, env: { ...process.env, ...env } });
const isRoot = process.getuid() === 0;

describe('the process', { concurrency: 3 }, () => {
  test('--print-config says each value and where it came from, secrets masked', () => {
    const place = scratch();
    const config = path.join(place.dir, 'recgate.ini');
    writeFileSync(config, '[consent]\nlease_ms=4000\n[controller]\nname=From the file\n');
    const { stdout, status } = run(['--print-config', '--config', config, '--data', place.data, '--secret-file', place.secret], { RECGATE_CONSENT_HEARTBEAT_MS: '700' });
    assert.equal(status, 0);
    assert.match(stdout, /lease_ms *= *4000.*file/);
    assert.match(stdout, /heartbeat_ms *= *700.*environment/);
    assert.match(stdout, /absent_ms *= *30000.*default/);
    assert.ok(!stdout.includes(readFileSync(place.secret, 'utf8').trim()));
    place.remove();
  });

  test('wrong use ends with a line that says what to do', () => {
    const place = scratch();
    const unknown = path.join(place.dir, 'bad.ini');
    writeFileSync(unknown, '[consent]\nlease=4000\n');
    for (const args of [['--nonsense'], ['--config', '/does/not/exist'], ['--config', unknown], ['--listen', 'nowhere', '--data', place.data]]) {
      const { status, stderr } = run(args);
      assert.ok(status > 0, args.join(' '));
      assert.ok(stderr.trim().length > 10, args.join(' '));
    }
    const { status, stderr } = run(['--data', place.data, '--listen', '127.0.0.1:0', '--media', '127.0.0.1:0'], { RECGATE_CONSENT_LEASE_MS: '-5' });
    assert.ok(status > 0 && /lease_ms/i.test(stderr), stderr);
    place.remove();
  });

  test('a value is either refused at start or works', async () => {
    for (const requests_max of [1, 16, 17, 100, 101]) {
      const daemon = new Daemon({ config: { 'consent.requests_max': requests_max } });
      const refused = await Promise.race([daemon.ended, daemon.ready().then(() => null, () => daemon.ended)]);
      if (refused) assert.equal(refused.code, 2, `${requests_max}: ${JSON.stringify(refused)}`);
      else {
        const anna = await Client.join(daemon, 's', 'anna', 'expert');
        assert.equal(anna.joined.type, 'joined', `${requests_max}`);
        anna.close();
        assert.equal((await daemon.stop()).code, 0);
      }
      daemon.place.remove();
    }
  });

  test('--help and --version', () => {
    assert.match(run(['--help']).stdout, /--listen/);
    assert.match(run(['--version']).stdout, /\d+\.\d+\.\d+/);
  });

  test('a secret shorter than 32 bytes is refused', () => {
    const place = scratch();
    writeFileSync(place.secret, 'short\n');
    const { status, stderr } = run(['--data', place.data, '--secret-file', place.secret, '--listen', '127.0.0.1:0', '--media', '127.0.0.1:0']);
    assert.ok(status > 0);
    assert.match(stderr, /32/);
    place.remove();
  });

  test('DATA is private, one process owns it, the second exits with status 2 (fault 33)', async () => {
    const daemon = await Daemon.start();
    assert.equal(statSync(daemon.data).mode & 0o777, 0o700);
    const second = new Daemon({ place: daemon.place });
    const { code } = await second.ended;
    assert.equal(code, 2);
    assert.match(second.log, /.{20,}/);
    assert.equal((await daemon.get('/readyz')).status, 200);
    assert.deepEqual(await daemon.end(), { code: 0, signal: null });
  });

  test('without --secret-file one is made under DATA, readable by its owner only', async () => {
    const place = scratch();
    const child = spawn(RECGATE, ['--data', place.data, '--listen', '127.0.0.1:0', '--media', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (bytes) => (output += bytes));
    await until(() => output.includes('recgate ready'), 'the ready line');
    const made = execFileSync('find', [place.data, '-maxdepth', '2', '-type', 'f', '-name', '*secret*'], { encoding: 'utf8' }).trim().split('\n');
    assert.equal(made.length, 1);
    assert.equal(statSync(made[0]).mode & 0o777, 0o600);
    assert.match(execFileSync(RECGATECTL, ['token', '--secret-file', made[0], '--session', 's', '--participant', 'p', '--role', 'client'], { encoding: 'utf8' }), /^\S+\.\S+\.\S+\n$/);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('close', resolve));
    place.remove();
  });

  test('no core file, whatever the limits were (fault 35)', async () => {
    const daemon = await Daemon.start({ before: ['bash', '-c', 'ulimit -c unlimited 2>/dev/null; exec "$0" "$@"'] });
    assert.match(readFileSync(`/proc/${daemon.pid}/limits`, 'utf8'), /Max core file size +0 +0/);
    await daemon.end();
  });

  test('IPv6', async () => {
    const daemon = await Daemon.start({ listen: '[::1]:0', media: '[::1]:0' });
    const client = await Client.join(daemon, 's', 'anna', 'expert');
    assert.match(daemon.http, /^\[::1\]:\d+$/);
    client.close();
    await daemon.end();
  });
});

describe('HTTP', () => {
  test('roles, statuses, headers (PROTOCOL.md)', async () => {
    const daemon = await Daemon.start();
    const anna = await Client.join(daemon, 'http', 'anna', 'expert', { name: 'Anna' });
    const [auditor, expert] = [daemon.token('http', 'aud', 'auditor'), daemon.token('http', 'anna', 'expert')];
    assert.equal((await daemon.get('/healthz')).status, 200);
    assert.equal((await daemon.get('/readyz')).status, 200);
    const metrics = await daemon.get('/metrics');
    assert.equal(metrics.status, 200);
    assert.match(metrics.bytes.toString(), /^# TYPE recgate_\w+ (counter|gauge|histogram)$/m);
    for (const where of ['/v1/sessions', '/v1/sessions/http', '/v1/sessions/http/segments', '/v1/sessions/http/recording?participant=anna']) {
      assert.equal((await daemon.get(where)).status, 401, where);
      assert.equal((await daemon.get(where, 'rubbish')).status, 401, where);
      assert.equal((await daemon.get(where, expert)).status, 403, where);
    }
    const sessions = await daemon.get('/v1/sessions', auditor);
    assert.equal(sessions.status, 200);
    assert.ok(JSON.stringify(sessions.json).includes('http'));
    const session = await daemon.get('/v1/sessions/http', auditor);
    assert.ok(JSON.stringify(session.json).includes('anna'));
    assert.deepEqual((await daemon.get('/v1/sessions/http/segments', auditor)).json, []);
    const unknown = await daemon.get('/v1/sessions/nobody', daemon.token('nobody', 'aud', 'auditor'));
    assert.equal(unknown.status, 404);
    assert.match(unknown.json.code, /^[a-z_]+$/);
    assert.equal((await daemon.get('/v1/nothing', auditor)).status, 404);
    const page = await daemon.get('/');
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type'), /^text\/html/);
    assert.match(page.headers.get('content-security-policy'), /default-src|script-src/);
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
    const head = await daemon.get('/', null, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal((await daemon.get('/v1/sessions', auditor, { method: 'DELETE' })).status >= 400, true);
    anna.close();
    await daemon.end();
  });

  test('TLS by configuration', async () => {
    const place = scratch();
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(place.dir, name));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert,
      '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
    const daemon = await Daemon.start({ place, scheme: 'https', config: { 'signaling.tls_cert': cert, 'signaling.tls_key': key } });
    const client = await Client.join(daemon, 'tls', 'anna', 'expert');
    assert.equal(client.joined.self, 'anna');
    client.close();
    await daemon.end();
    place.remove();
  });
});

describe('ends and crashes', { concurrency: 3 }, () => {
  const recorded = async (daemon, session) => {
    const anna = await Client.join(daemon, session, 'anna', 'expert');
    const ben = await Client.join(daemon, session, 'ben', 'client');
    const asked = await record(anna, [ben]);
    await ben.state('recording');
    return { anna, ben, ...asked };
  };

  test('SIGTERM while recording ends cleanly, at once', async () => {
    const daemon = await Daemon.start();
    await recorded(daemon, 'term');
    const began = Date.now();
    assert.deepEqual(await daemon.end(), { code: 0, signal: null });
    assert.ok(Date.now() - began < 4000 * SLOW);
  });

  test('kill -9 while recording: the gate is closed at the next start, consent is asked for again (R3, R7; fault 29)', async () => {
    const place = scratch();
    let daemon = await Daemon.start({ place });
    const call = await recorded(daemon, 'crash');
    await daemon.stop('SIGKILL');
    daemon = await Daemon.start({ place });
    const anna = await Client.join(daemon, 'crash', 'anna', 'expert');
    assert.notEqual(anna.joined.recording.state, 'recording');
    const ben = await Client.join(daemon, 'crash', 'ben', 'client');
    await sleep(500);
    assert.ok(![...anna.log, ...ben.log].some((message) => message.type === 'recording.state' && message.state === 'recording'));
    const gone = await daemon.post('/v1/withdraw', null, { withdraw_key: call.grants[0].withdraw_key });
    assert.equal(gone.status, 200, 'the receipt’s key still withdraws');
    anna.close();
    ben.close();
    await daemon.end();
    place.remove();
  });

  test('a decline survives a restart (R4)', async () => {
    const place = scratch();
    let daemon = await Daemon.start({ place });
    const anna = await Client.join(daemon, 'no', 'anna', 'expert');
    const ben = await Client.join(daemon, 'no', 'ben', 'client');
    const asked = await anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
    assert.equal((await ben.request({ type: 'consent.decline', request: asked.request })).type, 'consent.recorded');
    await daemon.stop('SIGKILL');
    daemon = await Daemon.start({ place });
    const again = await Client.join(daemon, 'no', 'anna', 'expert');
    const answer = await again.request({ type: 'recording.request', disclosure: DISCLOSURE });
    assert.equal(answer.code, 'declined_final', JSON.stringify(answer));
    again.close();
    await daemon.end();
    place.remove();
  });

  test('a store that may not be written: alive, not ready, nothing is recorded (R7; fault 30)', { skip: !isRoot && 'needs root for a read-only mount' }, async () => {
    const place = scratch();
    await (await Daemon.start({ place })).stop();
    const daemon = new Daemon({ place, before: ['unshare', '-m', 'sh', '-c', `mount --bind "${place.data}" "${place.data}" && mount -o remount,ro,bind "${place.data}" && exec "$0" "$@"`] });
    const how = await Promise.race([daemon.ended, daemon.ready().then(() => null)]);
    if (how) {
      assert.ok(how.code > 0);
      assert.match(daemon.log, /.{20,}/);
    } else {
      assert.equal((await daemon.get('/healthz')).status, 200);
      assert.equal((await daemon.get('/readyz')).status, 503);
      await daemon.stop();
    }
    place.remove();
  });

  test('a database with flipped bits: refuses to record and says what is wrong (fault 32)', async () => {
    const place = scratch();
    const first = await Daemon.start({ place });
    await recorded(first, 'flip');
    await first.stop();
    const database = execFileSync('sh', ['-c', `grep -rlE '^SQLite format 3' "${place.data}" --binary-files=text | head -n 1`], { encoding: 'utf8' }).trim();
    assert.ok(database, 'the database was found');
    const bytes = readFileSync(database);
    for (let at = 100; at < bytes.length; at += 97) bytes[at] ^= 0x55;
    writeFileSync(database, bytes);
    const daemon = new Daemon({ place });
    const how = await Promise.race([daemon.ended, daemon.ready().then(() => null, () => daemon.ended)]);
    if (how) assert.match(daemon.log, /.{20,}/);
    else {
      assert.equal((await daemon.get('/readyz')).status, 503);
      await daemon.stop();
    }
    place.remove();
  });

  test('a data directory that others may read is refused or made private', async () => {
    const place = scratch();
    mkdirSync(place.data);
    chmodSync(place.data, 0o755);
    const daemon = new Daemon({ place });
    const how = await Promise.race([daemon.ended, daemon.ready().then(() => null)]);
    if (how) assert.ok(how.code > 0);
    else {
      assert.equal(statSync(place.data).mode & 0o777, 0o700);
      await daemon.stop();
    }
    place.remove();
  });
});
