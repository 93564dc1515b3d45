// SPDX-License-Identifier: Apache-2.0
// Withdrawal again and again, timed by the clock of who withdraws, every second time while an export runs (R6, R9, R11-R13, R18; fault 36).
// 60 rounds, or RECGATE_ROUNDS.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Stage, until } from '../harness.mjs';
import { bytesUnder } from '../watch.mjs';

const ROUNDS = Number(process.env.RECGATE_ROUNDS ?? 60);
const CALL_ROUNDS = 16; // CONSENT_REQUESTS_MAX: what the core takes in one session
let stage;
before(async () => (stage = await Stage.start({
  kinds: ['chromium', 'chromium'], config: { 'consent.requests_max': CALL_ROUNDS, 'recording.segment_s': 1, 'consent.heartbeat_ms': 250 },
})));
after(() => stage?.end());

const rank = (list, share) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.ceil(list.length * share) - 1)];

/** Did all of it come? fetch takes an answer that was broken off for whole where the connection closes after it. */
const isWhole = (where, token) => new Promise((resolve) => {
  http.get(stage.daemon.base + where, { headers: { authorization: `Bearer ${token}` } }, (answer) => {
    answer.on('error', () => {}).on('close', () => resolve(answer.statusCode === 200 && answer.complete));
    answer.resume();
  }).on('error', () => resolve(false));
});

async function round(call, n, exporting) {
  const { anna, ben, session } = call;
  let [markA, markB] = [await anna.mark(), await ben.mark()];
  if (n % CALL_ROUNDS > 0) {
    await ben.send({ type: 'consent.offer', id: `offer${n}` });
    await ben.expect((message) => message.re === `offer${n}`, 3000, markB);
  }
  await anna.ask();
  await ben.press('Agree');
  await ben.state('recording', { since: markB });
  await until(async () => (await stage.segments(session)).some((one) => one.state === 'kept'), 'a kept segment', 8000);
  const token = stage.auditor(session);
  const exported = exporting ? isWhole(`/v1/sessions/${session}/recording?participant=anna`, token) : null;
  markB = await ben.mark();
  await ben.press('Withdraw');
  const ack = await ben.expect('consent.withdrawn', 5000, markB);
  const acked = Date.now();
  const said = (await ben.wire()).slice(markB).find(({ way, message }) => way === 'out' && message.type === 'consent.withdraw').at;
  assert.ok(!(await stage.segments(session)).some((one) => one.state === 'kept'), 'nothing is kept after the acknowledgement');
  assert.ok((await stage.export(session, 'anna')).status >= 400, 'nothing plays after the acknowledgement');
  if (await exported) assert.ok(ack.exports.length >= 1, 'an export was either cut off or is named');
  await until(() => bytesUnder(stage.segmentsDir) === 0, 'the files to be gone', 3000);
  const late = stage.watch.files.filter((event) => event.at > acked + 50 && (event.what.includes('MODIFY') || event.what.includes('CREATE')));
  assert.deepEqual(late, [], 'no write follows the acknowledgement');
  await anna.state('purged', { since: markA });
  return { seen_ms: ack.at - said, ...ack };
}

test(`${ROUNDS} withdrawals`, async (t) => {
  let call;
  const results = [];
  for (let n = 0; n < ROUNDS; n++) {
    if (n % CALL_ROUNDS === 0) call = await stage.call();
    results.push(await round(call, n, n % 2 === 1));
  }
  const figures = {
    gate_closed_us_p99: rank(results.map((one) => one.gate_closed_us), 0.99), erased_us_p50: rank(results.map((one) => one.erased_us), 0.5),
    erased_us_p99: rank(results.map((one) => one.erased_us), 0.99), seen_ms_p50: rank(results.map((one) => one.seen_ms), 0.5),
    seen_ms_p99: rank(results.map((one) => one.seen_ms), 0.99),
  };
  t.diagnostic(JSON.stringify(figures));
  console.log(JSON.stringify(figures));
  assert.ok(figures.gate_closed_us_p99 <= 1000, JSON.stringify(figures));
  assert.ok(figures.erased_us_p50 <= 50_000, JSON.stringify(figures));
  await Promise.all([call.anna.flowing({ more: true }), call.ben.flowing({ more: true })]);
  const metrics = String((await stage.daemon.get('/metrics')).bytes);
  t.diagnostic(metrics.split('\n').filter((line) => /packets|overflow/.test(line) && !line.startsWith('#')).join(' '));
  for (const line of metrics.split('\n').filter((one) => /overflow/.test(one) && !one.startsWith('#'))) assert.match(line, / 0$/);
});
