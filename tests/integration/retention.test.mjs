// SPDX-License-Identifier: Apache-2.0
// Retention by itself (R19): expiry at the wire, without media.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Client, DISCLOSURE, record } from './client.mjs';
import { Daemon, scratch, sleep, until } from './daemon.mjs';

let daemon;
before(async () => {
  daemon = await Daemon.start({ config: { 'recording.retention_max_s': 3600 } });
});
after(() => daemon.end());

async function recorded(session, retention_s, on = daemon) {
  const anna = await Client.join(on, session, 'anna', 'expert', { name: 'Anna' });
  const ben = await Client.join(on, session, 'ben', 'client', { name: 'Ben' });
  const asked = await record(anna, [ben], { retention_s });
  await ben.state('recording');
  return { session, anna, ben, ...asked };
}

async function expired(session, on = daemon) {
  const { json } = await on.get(`/v1/sessions/${session}`, on.token(session, 'auditor', 'auditor'));
  return json.purges.filter((purge) => purge.reason === 'expired');
}

describe('retention', () => {
  test('a disclosure that asks for more than the service keeps is refused', async () => {
    const anna = await Client.join(daemon, 'longer', 'anna', 'expert');
    const answer = await anna.request({ type: 'recording.request', disclosure: { ...DISCLOSURE, retention_s: 3601 } });
    assert.equal(answer.type, 'error');
    assert.match(answer.message, /retention_s.*3600/);
    assert.equal((await anna.request({ type: 'recording.request', disclosure: { ...DISCLOSURE, retention_s: 3600 } })).type, 'recording.requested');
    anna.close();
  });

  test('what passes retention_s is erased by itself, and a later withdrawal is answered (R6, R19)', async () => {
    const call = await recorded('short', 1);
    await call.anna.request({ type: 'recording.stop' });
    const [purge] = await until(async () => { const all = await expired('short'); return all.length ? all : undefined; }, 'the expiry');
    assert.equal(String(purge.request), call.request);
    assert.equal(purge.scope, 'session');
    const answer = await daemon.post('/v1/withdraw', undefined, { withdraw_key: call.grants[0].withdraw_key });
    assert.equal(answer.status, 200, JSON.stringify(answer.json));
    assert.equal(answer.json.type, 'consent.withdrawn');
    assert.equal((await expired('short')).length, 1, 'erased once');
    call.anna.close();
    call.ben.close();
  });

  test('a paused recording is not over: its request is still open (R14, R19)', async () => {
    const call = await recorded('paused', 1);
    await call.anna.request({ type: 'recording.pause' });
    await sleep(2500);
    assert.deepEqual(await expired('paused'), []);
    await call.anna.request({ type: 'recording.resume' });
    await call.ben.state('recording', { since: call.ben.mark() - 1 });
    await call.anna.request({ type: 'recording.stop' });
    await until(async () => (await expired('paused')).length, 'the expiry');
    call.anna.close();
    call.ben.close();
  });

  test('what became overdue while nothing ran is erased after the start', async () => {
    const place = scratch();
    const first = await Daemon.start({ place });
    const call = await recorded('away', 2, first);
    await call.anna.request({ type: 'recording.stop' });
    await first.stop();
    const second = await Daemon.start({ place });
    await until(async () => (await expired('away', second)).length, 'the expiry');
    await second.stop();
    place.remove();
  });
});

describe('forgetting', () => {
  test('by a service, when it is over; the log and receipts stay valid (R23)', async () => {
    const place = scratch();
    let one = await Daemon.start({ place });
    const name = 'Benjamin Unmistakable';
    const anna = await Client.join(one, 'unmistakable-session', 'anna', 'expert');
    const ben = await Client.join(one, 'unmistakable-session', 'ben-unmistakable', 'client', { name });
    await record(anna, [ben]);
    await ben.state('recording');
    const service = one.token('any', 'platform', 'service');
    const remove = (where, token = service) => one.get(where, token, { method: 'DELETE' });
    assert.equal((await remove('/v1/sessions/unmistakable-session')).json.code, 'session_live');
    assert.equal((await remove('/v1/sessions/unmistakable-session', one.token('any', 'a', 'auditor'))).status, 403);
    assert.equal((await remove('/v1/sessions/unmistakable-session', null)).status, 401);
    assert.equal((await remove('/v1/sessions/..%2fkeys')).status >= 400, true);
    await one.stop();
    const holds = (text) => readFileSync(`${place.data}/vault.db`).includes(text);
    assert.ok(holds(name));
    one = await Daemon.start({ place });
    assert.equal((await remove('/v1/sessions/nobody')).status, 404);
    assert.equal((await remove('/v1/sessions/unmistakable-session/participants/ben-unmistakable')).json.forgotten, true);
    assert.ok(!holds(name) && !holds('ben-unmistakable') && holds('unmistakable-session'));
    await one.stop();
    const forgotten = one.ctl('forget', 'unmistakable-session', '--json');
    assert.equal(forgotten.status, 0, forgotten.error);
    assert.ok(!holds('unmistakable-session'));
    assert.equal(one.ctl('forget', 'unmistakable-session').status, 2);
    one = await Daemon.start({ place });
    await one.stop();
    place.remove();
  });

  test('of a session that was planned, also who was only invited; it can be planned again (R5, R23)', async () => {
    const place = scratch();
    let one = await Daemon.start({ place });
    const people = [{ id: 'anna', name: 'Anna', role: 'expert' }, { id: 'carla-unmistakable', name: 'Carla Neverhere', role: 'client' }];
    const service = one.token('any', 'platform', 'service', { name: 'Platform Unmistakable' });
    const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
    const plan = () => one.post('/v1/sessions', service,
      { session: 'planned-unmistakable', participants: people, starts: at(30), ends: at(3600), request: { disclosure: { ...DISCLOSURE } } });
    const again = async () => { await one.stop(); one = await Daemon.start({ place }); };
    const remove = (where) => one.get(`/v1/sessions/planned-unmistakable${where}`, service, { method: 'DELETE' });
    const holds = (text) => readFileSync(`${place.data}/vault.db`).includes(text);
    assert.equal((await plan()).status, 201);
    await again();
    assert.ok(holds('Carla Neverhere'));
    assert.equal((await remove('/participants/carla-unmistakable')).json.forgotten, true);
    assert.ok(!holds('Carla Neverhere') && !holds('carla-unmistakable') && holds('Platform Unmistakable'));
    assert.equal((await remove('')).json.forgotten, true);
    assert.ok(!holds('planned-unmistakable') && !holds('Platform Unmistakable'));
    assert.equal((await plan()).status, 201);
    assert.equal((await plan()).json.code, 'session_exists');
    assert.equal((await one.get('/readyz')).status, 200);
    await one.stop();
    place.remove();
  });
});
