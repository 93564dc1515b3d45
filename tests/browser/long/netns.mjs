// SPDX-License-Identifier: Apache-2.0
// The gate in one network namespace, two Firefoxes with their own ICE preferences in another, a virtual cable between them; once with IPv4, once with IPv6.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SUFFIX = process.pid;
const [GATE, PEOPLE] = [`recgate-gate-${SUFFIX}`, `recgate-people-${SUFFIX}`];
const NETWORKS = { IPv4: ['10.77.13.1', '10.77.13.2', '24'], IPv6: ['fd77:13::1', 'fd77:13::2', '64'] };
const ip = (...args) => execFileSync('ip', args);

before(() => {
  const [left, right] = [`rgg${SUFFIX}`, `rgp${SUFFIX}`];
  for (const ns of [GATE, PEOPLE]) ip('netns', 'add', ns);
  ip('link', 'add', left, 'netns', GATE, 'type', 'veth', 'peer', 'name', right, 'netns', PEOPLE);
  for (const [ns, device] of [[GATE, left], [PEOPLE, right]]) for (const up of ['lo', device]) ip('-n', ns, 'link', 'set', up, 'up');
  for (const [name, [gate, people, bits]] of Object.entries(NETWORKS)) {
    const atOnce = name === 'IPv6' ? ['nodad'] : [];
    ip('-n', GATE, 'address', 'add', `${gate}/${bits}`, 'dev', left, ...atOnce);
    ip('-n', PEOPLE, 'address', 'add', `${people}/${bits}`, 'dev', right, ...atOnce);
    ip('-n', PEOPLE, 'route', 'add', 'default', 'via', gate); // stock Firefox gathers on the default route
  }
});
after(() => {
  for (const ns of [GATE, PEOPLE]) {
    try {
      ip('netns', 'del', ns);
    } catch {
      continue; // never made
    }
  }
});

for (const [name, [gate]] of Object.entries(NETWORKS))
  test(`two Firefoxes with stock ICE preferences are heard, seen, recorded and erased over ${name}`, async () => {
    const script = fileURLToPath(new URL('netns-people.mjs', import.meta.url));
    const child = spawn('ip', ['netns', 'exec', PEOPLE, process.execPath, script, GATE, gate], {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' }, // its own certificate of today
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0, said);
  });
