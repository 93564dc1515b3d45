// SPDX-License-Identifier: Apache-2.0
// How a report reaches the address in configuration: signed, again and again, over a restart, by webhook and by mail, and never in the daemon's way (R25).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Client } from './client.mjs';
import { Daemon, RECGATE, RECGATECTL, scratch, SLOW, sleep, until } from './daemon.mjs';
import { Mailbox, mailParts, selfSigned, Webhook } from './receivers.mjs';

const SECRET = 'a-secret-of-the-platform';
let place;
let ended;

beforeEach(() => {
  place = scratch();
  ended = [];
  writeFileSync(path.join(place.dir, 'hook-secret'), `${SECRET}\n`, { mode: 0o600 });
  writeFileSync(path.join(place.dir, 'mail-password'), 'hunter2\n', { mode: 0o600 });
});
afterEach(async () => {
  for (const one of ended.reverse()) await one();
  place.remove();
});

const hooked = (hook, more = {}) => ({
  'reports.webhook_url': hook.url, 'reports.webhook_secret_file': path.join(place.dir, 'hook-secret'), 'reports.retry_ms': 100, ...more,
});

async function start(config) {
  const daemon = await Daemon.start({ place, config });
  ended.push(() => daemon.stop('SIGKILL'));
  return daemon;
}

async function receive(Receiver, options) {
  const receiver = await Receiver.start(options);
  ended.push(() => receiver.end());
  return receiver;
}

async function reported(daemon, text = 'Somebody films with a phone.', kind) {
  const ben = await Client.join(daemon, 'talk', 'ben', 'client', { name: 'Ben\u0007 <i>' });
  const made = await ben.request({ type: 'violation.report', text, kind });
  assert.equal(made.type, 'violation.recorded', JSON.stringify(made));
  ben.close();
  return made.report;
}

/** Type and fields of the leaves about reports, in order, of a data directory that nobody runs. */
function reportLeaves() {
  const script = `import json,sqlite3,sys
d = sqlite3.connect(sys.argv[1])
print(json.dumps([json.loads(l) for (l,) in d.execute("SELECT leaf FROM leaves ORDER BY idx")]))`;
  const all = JSON.parse(execFileSync('python3', ['-c', script, path.join(place.data, 'vault.db')], { encoding: 'utf8' }));
  return all.filter((leaf) => leaf.type.startsWith('report'));
}

const kept = () => (existsSync(path.join(place.data, 'evidence')) ? readdirSync(path.join(place.data, 'evidence')) : []);

function holds(bytes) {
  const file = path.join(place.dir, 'got.zip');
  writeFileSync(file, bytes);
  return JSON.parse(execFileSync(RECGATECTL, ['evidence', '--check', file, '--json'], { encoding: 'utf8' }));
}

test('a webhook gets it once, signed, with a bundle that holds; then the bundle that was kept is gone', async () => {
  const hook = await receive(Webhook);
  const daemon = await start(hooked(hook));
  const made = await reported(daemon);
  await until(() => hook.requests.length > 0, 'the delivery');
  const [{ method, headers, body }] = hook.requests;
  assert.equal(method, 'POST');
  assert.equal(headers['content-type'], 'application/json');
  const [, stamp, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['recgate-signature']);
  assert.equal(mac, createHmac('sha256', SECRET).update(`${stamp}.`).update(body).digest('hex'));
  assert.ok(Math.abs(Date.now() / 1000 - Number(stamp)) < 30);
  const [sent] = hook.reports;
  assert.equal(sent.title, 'Rule Violation Report: session talk');
  assert.equal(sent.report, made.id);
  assert.deepEqual(sent.from, { id: 'ben', name: 'Ben\ufffd <i>', role: 'client' });
  assert.equal(sent.text, 'Somebody films with a phone.');
  assert.deepEqual(sent.evidence.summary, { participants: 1, requests: 0, takes: 0, segments: 0 });
  const bundle = Buffer.from(sent.evidence.content, 'base64');
  assert.equal(sent.evidence.sha256, createHash('sha256').update(bundle).digest('hex'));
  assert.equal(holds(bundle).title, 'Rule Violation Report');
  await until(() => kept().length === 0, 'the kept bundle to be gone');
  await sleep(300);
  assert.equal(hook.requests.length, 1);
  assert.equal((await daemon.stop()).code, 0);
  assert.deepEqual(reportLeaves().map(({ type, channel, attempts }) => [type, channel, attempts]),
    [['report', undefined, undefined], ['report_sealed', undefined, undefined], ['report_sent', 'webhook', 1]]);
});

test('what a receiver refuses is tried again until it takes it, and no redirect is followed', async () => {
  const hook = await receive(Webhook, { answers: [500, 302, 503] });
  const daemon = await start(hooked(hook));
  await reported(daemon);
  await until(() => hook.requests.length === 4, 'the fourth attempt', 10_000);
  assert.deepEqual(hook.requests.map(({ url }) => url), Array(4).fill('/hooks/recgate?key=hidden'));
  assert.equal(new Set(hook.reports.map(({ report }) => report)).size, 1, 'a receiver can tell that it is the same');
  await until(() => kept().length === 0, 'the kept bundle to be gone');
  await daemon.stop();
  assert.equal(reportLeaves().at(-1).attempts, 4);
});

test('a report outlives a daemon that is killed before it could be sent', async () => {
  const hook = await receive(Webhook, { answers: [500, 500] });
  let daemon = await start(hooked(hook, { 'reports.retry_ms': 1500 }));
  const made = await reported(daemon);
  await until(() => hook.requests.length === 1, 'the first attempt');
  await until(() => daemon.log.includes('report_not_sent'), 'it to be refused');
  await sleep(200);
  await daemon.stop('SIGKILL');
  daemon = await start(hooked(hook, { 'reports.retry_ms': 100 }));
  await until(() => hook.requests.length >= 3, 'the attempts of the next daemon', 10_000);
  assert.equal(hook.reports.at(-1).report, made.id);
  await until(() => kept().length === 0, 'the kept bundle to be gone');
  await daemon.stop();
  assert.equal(reportLeaves().filter(({ type }) => type === 'report_sent').length, 1);
  assert.equal(reportLeaves().filter(({ type }) => type === 'report_sealed').length, 1, 'the bundle of that moment, not another');
});

test('one made without an address waits for one', async () => {
  let daemon = await start({});
  const made = await reported(daemon, 'We agreed on twenty minutes.', 'dispute');
  await until(() => kept().length === 1, 'the bundle');
  await daemon.stop();
  const hook = await receive(Webhook);
  daemon = await start(hooked(hook));
  await until(() => hook.requests.length === 1, 'the delivery');
  assert.equal(hook.reports[0].report, made.id);
  assert.equal(hook.reports[0].title, 'Session Dispute: session talk');
});

test('it is given up after the time that was named, which is on the ledger', async () => {
  const hook = await receive(Webhook, { answers: Array(100).fill(500) });
  const daemon = await start(hooked(hook, { 'reports.give_up_s': 1 }));
  await reported(daemon);
  await until(() => kept().length === 0 && daemon.log.includes('report_sealed'), 'it to be given up', 10_000);
  const attempts = hook.requests.length;
  await daemon.stop();
  const last = reportLeaves().at(-1);
  assert.deepEqual([last.type, last.channel, last.why, last.attempts], ['report_failed', 'webhook', 'answered 500', attempts]);
  assert.ok(attempts >= 2, `${attempts} attempts`);
});

test('a certificate that nobody vouches for gets nothing; with ca_file it does', async () => {
  const tls = selfSigned(place.dir);
  const hook = await receive(Webhook, { tls });
  let daemon = await start(hooked(hook));
  await reported(daemon);
  await until(() => (daemon.log.match(/report_not_sent/g) ?? []).length >= 2, 'two refused attempts');
  assert.equal(hook.requests.length, 0);
  await daemon.stop();
  daemon = await start(hooked(hook, { 'reports.ca_file': tls.file }));
  await until(() => hook.requests.length === 1, 'the delivery');
});

test('a receiver that hangs keeps neither the call nor the end of the daemon waiting', async () => {
  const hook = await receive(Webhook, { answers: ['hang'] });
  const daemon = await start(hooked(hook));
  await reported(daemon);
  await until(() => hook.requests.length === 1, 'the hanging request');
  const began = Date.now();
  const ben = await Client.join(daemon, 'talk-2', 'ben', 'client');
  assert.ok(Date.now() - began < 1000 * SLOW, 'a join is not kept waiting');
  ben.close();
  const stopping = Date.now();
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - stopping < 3000 * SLOW, `${Date.now() - stopping} ms`);
  assert.ok(!reportLeaves().some(({ type }) => ['report_sent', 'report_failed'].includes(type)));
  assert.equal(kept().length, 1, 'it is still there to be sent');
});

test('mail: logged in, titled, the bundle attached, what people wrote as plain lines; refused once, then taken', async () => {
  const box = await receive(Mailbox, { refuse: 1 });
  const daemon = await start({
    'reports.smtp_url': box.url, 'reports.smtp_from': 'gate@practice.example', 'reports.smtp_to': 'privacy@practice.example, ethics@practice.example',
    'reports.smtp_user': 'gate', 'reports.smtp_password_file': path.join(place.dir, 'mail-password'), 'reports.retry_ms': 100,
  });
  const made = await reported(daemon, 'Ärger\n.\nBcc: everybody@evil.example\n\u001b[31mred');
  await until(() => box.mails.length === 1, 'the mail', 10_000);
  const [mail] = box.mails;
  assert.deepEqual(box.logins[0], ['gate', 'hunter2']);
  assert.equal(mail.from, 'gate@practice.example');
  assert.deepEqual(mail.to, ['privacy@practice.example', 'ethics@practice.example']);
  const head = mail.text.slice(0, mail.text.indexOf('\r\n\r\n'));
  assert.match(head, /^Subject: Rule Violation Report: session talk$/m);
  assert.match(head, /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/m);
  assert.match(head, new RegExp(`^Message-ID: <${made.id}@practice.example>$`, 'm'));
  assert.doesNotMatch(head, /evil/);
  const [letter, attached] = mailParts(mail.text);
  const words = letter.body.toString();
  assert.match(words, /From: Ben\ufffd <i> \(ben\)/);
  assert.match(words, /> Ärger\r\n> \.\r\n> Bcc: everybody@evil\.example\r\n> \ufffd\[31mred/);
  assert.ok(words.includes(createHash('sha256').update(attached.body).digest('hex')));
  assert.match(attached.headers, /filename="talk-evidence\.zip"[^]*application\/zip/);
  assert.equal(holds(attached.body).session, 'talk');
  await daemon.stop();
  assert.deepEqual(reportLeaves().slice(-1).map(({ type, channel, attempts }) => [type, channel, attempts]), [['report_sent', 'smtp', 2]]);
});

test('mail and webhook each get it, and the one that fails does not hold the other', async () => {
  const hook = await receive(Webhook, { answers: Array(3).fill(500) });
  const box = await receive(Mailbox);
  const daemon = await start(hooked(hook, { 'reports.smtp_url': box.url, 'reports.smtp_from': 'a@b.example', 'reports.smtp_to': 'c@d.example', 'reports.retry_ms': 300 }));
  await reported(daemon);
  await until(() => box.mails.length === 1, 'the mail');
  assert.ok(hook.requests.length < 4);
  await until(() => hook.requests.length === 4 && kept().length === 0, 'the webhook', 15_000);
  assert.equal(box.mails.length, 1);
});

test('a configuration that would send people’s words in the clear, or unsigned, does not start; --print-config shows no secret', () => {
  const run = (config, ...args) => {
    const env = { ...process.env };
    for (const [key, value] of Object.entries(config)) env[`RECGATE_REPORTS_${key.toUpperCase()}`] = String(value);
    try {
      return { status: 0, output: execFileSync(RECGATE, ['--data', place.data, '--secret-file', place.secret, '--listen', '127.0.0.1:0', '--media', '127.0.0.1:0', ...args], { env, encoding: 'utf8', stdio: 'pipe', timeout: 5000 * SLOW }) };
    } catch (failure) {
      return { status: failure.status, error: String(failure.stderr) };
    }
  };
  const secret = { webhook_secret_file: path.join(place.dir, 'hook-secret') };
  writeFileSync(path.join(place.dir, 'short'), 'short\n');
  for (const [config, says] of [
    [{ webhook_url: 'http://hooks.example/x', ...secret }, /webhook_url.*https/],
    [{ webhook_url: 'http://127.0.0.1.example/x', ...secret }, /webhook_url.*https/],
    [{ webhook_url: 'ftp://127.0.0.1/x', ...secret }, /webhook_url/],
    [{ webhook_url: 'https://hooks.example/x' }, /webhook_secret_file/],
    [{ webhook_url: 'https://hooks.example/x', webhook_secret_file: path.join(place.dir, 'short') }, /16 bytes/],
    [{ smtp_url: 'smtp://mail.example', smtp_to: 'a@b.example' }, /smtp_from/],
    [{ smtp_url: 'smtp://mail.example', smtp_from: 'a@b.example' }, /smtp_to/],
    [{ smtp_url: 'smtp://mail.example', smtp_from: 'a@b.example', smtp_to: 'a@b.example\nBcc:x' }, /smtp_to/],
    [{ smtp_url: 'http://mail.example', smtp_from: 'a@b.example', smtp_to: 'c@d.example' }, /smtp_url/],
    [{ smtp_url: 'smtp://mail.example', smtp_from: 'a@b.example', smtp_to: 'c@d.example', smtp_user: 'u' }, /belong together/],
  ]) {
    const refused = run(config);
    assert.equal(refused.status, 2, JSON.stringify(config));
    assert.match(refused.error, says);
  }
  const shown = run({ webhook_url: 'https://user:pass@hooks.example:8443/T0/secret-path?key=hidden', ...secret }, '--print-config');
  assert.match(shown.output, /reports\.webhook_url = https:\/\/hooks\.example:8443\/\*\*\*/);
  for (const hidden of ['pass', 'secret-path', 'hidden', SECRET]) assert.ok(!shown.output.replaceAll(/^\S+_password_file /gm, '').includes(hidden), hidden);
});
