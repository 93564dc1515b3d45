// SPDX-License-Identifier: Apache-2.0
// What is kept of real calls: as a vCon with its recordings, and in a backup from before a withdrawal (R18, R20; CONSENT.md, What we promise).
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Daemon, RECGATECTL } from '../integration/daemon.mjs';
import { Stage, until } from './harness.mjs';
import { complaints, probe } from './media.mjs';

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

const ctl = (data, ...args) => spawnSync(RECGATECTL, [...args, '--data', data], { encoding: 'utf8', maxBuffer: 1 << 30 });

async function call(withdrawing) {
  const { session, anna, ben } = await stage.recorded({ withdrawing });
  await until(async () => (await stage.segments(session)).filter((one) => one.state === 'kept').length >= 6, 'kept segments', 15_000);
  await anna.press('Stop');
  await ben.state('stopped');
  return session;
}

async function plays(file) {
  const { streams, duration_s } = await probe(file);
  assert.deepEqual(streams.map((stream) => stream.codec_type).sort(), ['audio', 'video']);
  assert.equal(await complaints(file), '');
  return duration_s;
}

async function asVcon(data, session) {
  const file = path.join(stage.daemon.place.dir, 'call.vcon.json');
  const made = ctl(data, 'vcon', session, '--media', '-o', file);
  assert.equal(made.status, 0, made.stderr);
  const { payload, signatures: [{ protected: head, signature }] } = JSON.parse(readFileSync(file, 'utf8'));
  const x = Buffer.from(JSON.parse(Buffer.from(head, 'base64url')).kid.split('+').slice(2).join('+'), 'base64').subarray(1).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  assert.ok(verify(null, Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url')));
  const vcon = JSON.parse(Buffer.from(payload, 'base64url'));
  assert.equal(vcon.redacted, undefined);
  assert.deepEqual(vcon.dialog.map((dialog) => dialog.parties).sort(), [0, 1]);
  for (const [i, dialog] of vcon.dialog.entries()) {
    assert.deepEqual([dialog.mediatype, dialog.encoding], ['video/webm', 'base64url']);
    const media = path.join(stage.daemon.place.dir, `dialog-${i}.webm`);
    writeFileSync(media, Buffer.from(dialog.body, 'base64url'));
    assert.ok(Math.abs((await plays(media)) - dialog.duration) < 1.5, `${dialog.duration}`);
  }
  assert.deepEqual(vcon.attachments.map((one) => one.dialog).sort(), [0, 1]);
}

test('a vCon plays; a restored backup reads nothing before the newer purges, and afterwards everything else', async () => {
  const [first, second] = [await call('session'), await call('session')];
  await stage.leaveAll();
  const copy = path.join(stage.daemon.place.dir, 'copy');
  await stage.crash(async () => {
    execFileSync('cp', ['-a', stage.daemon.data, copy]);
    await asVcon(stage.daemon.data, second);
  });
  const { json } = await stage.daemon.post('/v1/withdraw', stage.daemon.token(first, 'ben', 'client'), {});
  assert.equal(json.type, 'consent.withdrawn');
  assert.ok(json.purged.segments >= 6);
  const later = await stage.daemon.post('/v1/withdraw', stage.daemon.token(second, 'ben', 'client'), { scope: 'nothing' });
  assert.equal(later.status, 400);

  const out = path.join(stage.daemon.place.dir, 'out.webm');
  const export_of = (session) => ctl(copy, 'export', session, '--participant', 'ben', '-o', out, '--force');
  for (const session of [first, second]) {
    const refused = export_of(session);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /copied or restored from a backup/);
  }
  await stage.crash(async () => {
    const restored = ctl(copy, 'restore', '--ledger', stage.daemon.data);
    assert.equal(restored.status, 0, restored.stderr);
  });
  assert.match(export_of(first).stderr, /erased|nothing/i);
  const kept = export_of(second);
  assert.equal(kept.status, 0, kept.stderr);
  assert.ok((await plays(out)) > 2);
  const daemon = await Daemon.start({ place: { ...stage.daemon.place, data: copy } });
  assert.ok((await daemon.segments(first)).every((one) => one.state !== 'kept'));
  assert.ok((await daemon.segments(second)).some((one) => one.state === 'kept'));
  await daemon.stop();
});
