// SPDX-License-Identifier: Apache-2.0
// Exports and withdrawals, with media of two load ends in place of browsers: what an export is until its reader has it (R18, R20; fault 36).
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Crowd } from '../bench/withdraw/crowd.mjs';
import { sleep, until } from './daemon.mjs';

// More than the two sockets hold of it, and less than the gate queues for one reader.
const EXPORT_BYTES = 1_000_000;

let crowd;
before(async () => (crowd = await Crowd.gather({ sessions: 3, calls: 3, pps: 300, bytes: 1100, requests_max: 3, segment_s: 1 })));
after(() => crowd?.end());

const where = (room) => `/v1/sessions/bench-${room.number}/recording?participant=a`;
const auditor = () => crowd.daemon.token('any', 'auditor', 'auditor');
const running = async () => (await crowd.metrics()).recgate_exports_running;

/** A session with that much of the expert kept. */
async function recorded(number) {
  const room = crowd.rooms[number];
  await room.record();
  const kept = async () => (await crowd.daemon.segments(`bench-${number}`)).filter(({ participant, state }) => participant === 'a' && state === 'kept');
  await until(async () => (await kept()).reduce((sum, { bytes }) => sum + bytes, 0) > EXPORT_BYTES, 'kept media', 60_000);
  return room;
}

/** Asks for the export and takes nothing of it, until take() gives all that comes before the connection ends. */
function standingStill(room) {
  const { hostname, port, host } = new URL(crowd.daemon.base);
  const socket = net.connect(port, hostname).on('error', () => {});
  socket.write(`GET ${where(room)} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${auditor()}\r\n\r\n`);
  const take = () => new Promise((resolve) => {
    const parts = [];
    socket.on('data', (bytes) => parts.push(bytes)).on('close', () => resolve(Buffer.concat(parts)));
  });
  return { take };
}
const isWhole = (bytes) => bytes.toString('latin1').endsWith('\r\n0\r\n\r\n');

test('a reader who stands still gets nothing of what was queued after a withdrawal, and only the finished export is named', async () => {
  const room = await recorded(0);
  const finished = await crowd.daemon.get(where(room), auditor());
  assert.equal(finished.status, 200);
  const reader = standingStill(room);
  await sleep(1500); // all of it has been read out and queued
  const before = await running();
  const ack = await room.client.ask({ type: 'consent.withdraw', request: room.request });
  const got = await reader.take();
  assert.ok(got.length < finished.bytes.length && !isWhole(got), `${got.length} bytes came, of a file of ${finished.bytes.length}`);
  assert.deepEqual(ack.exports.map(({ by }) => by), ['auditor'], 'the one that was cut is not named as finished');
  assert.deepEqual([before, await running()], [1, 0], 'it is an export until its reader has it');
});

test('a reader who goes on has all of it, and it is named', async () => {
  const room = await recorded(1);
  const reader = standingStill(room);
  await sleep(1500);
  assert.ok(isWhole(await reader.take()));
  assert.equal(await running(), 0);
  const ack = await room.client.ask({ type: 'consent.withdraw', request: room.request });
  assert.deepEqual(ack.exports.map(({ by }) => by), ['auditor']);
});

test('the daemon ends cleanly while a reader stands still', async () => {
  const room = await recorded(2);
  const reader = standingStill(room);
  await sleep(1500);
  const from = Date.now();
  assert.deepEqual(await crowd.daemon.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - from < 2500, 'nobody was waited for');
  assert.ok(!isWhole(await reader.take()));
});
