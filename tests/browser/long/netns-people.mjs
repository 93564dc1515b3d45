// SPDX-License-Identifier: Apache-2.0
// What netns.mjs runs inside the people's namespace: node netns-people.mjs GATE-NAMESPACE ADDRESS. Exit status 0: all was well.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { scratch } from '../../integration/daemon.mjs';
import { Stage } from '../harness.mjs';
import { complaints } from '../media.mjs';

const [gate, address] = process.argv.slice(2);
const host = address.includes(':') ? `[${address}]` : address;
const place = scratch();
const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(place.dir, name));
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
  '-subj', `/CN=${address}`, '-addext', `subjectAltName=IP:${address}`], { stdio: 'ignore' });

const stage = await Stage.start({
  kinds: ['firefox', 'firefox'], stock: true, place, scheme: 'https', listen: `${host}:0`, media: `${host}:0`,
  before: ['ip', 'netns', 'exec', gate], config: { 'signaling.tls_cert': cert, 'signaling.tls_key': key },
});
try {
  const { session, anna, ben } = await stage.recorded({});
  await stage.kept(session, 'anna', 'ben');
  for (const who of ['anna', 'ben']) {
    const { file, status } = await stage.export(session, who);
    assert.equal(status, 200, who);
    assert.equal(await complaints(file), '', who);
  }
  await ben.press('Withdraw');
  await ben.expect('consent.withdrawn');
  assert.ok(!(await stage.segments(session)).some((one) => one.state === 'kept'));
  await Promise.all([anna.flowing({ more: true }), ben.flowing({ more: true })]);
} finally {
  await stage.leaveAll();
  await stage.end();
  place.remove();
}
