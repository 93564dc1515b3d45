// SPDX-License-Identifier: Apache-2.0
// The Debian package as an operator meets it: installed, started, a session held, upgraded, removed, purged, installed again.
// Runs inside in-overlay.sh only; RECGATE_BUILD is /usr/bin, RECGATE_PACKAGES where the packages are.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { Client, record } from '../integration/client.mjs';
import { until } from '../integration/daemon.mjs';
import { DATA, run, Service, unit, UNIT } from './service.mjs';

const CONFIG = '/etc/recgate/recgate.conf';
const packages = process.env.RECGATE_PACKAGES;
assert.equal(process.env.RECGATE_OVERLAY, 'inside', 'this installs packages: run it by ./dev test package');

let first, second;
before(() => {
  const all = readdirSync(packages).filter((name) => /^recgate_.*\.deb$/.test(name)).map((name) => path.join(packages, name));
  [first, second] = [0, 1].map((later) => all.find((name) => Number(name.includes('+later')) === later));
});

/** A session in which everybody agrees until the gate is open. */
async function session(service, name) {
  const anna = await Client.join(service, name, 'anna', 'expert', { name: 'Anna' });
  const ben = await Client.join(service, name, 'ben', 'client', { name: 'Ben' });
  await record(anna, [ben]);
  await anna.state('recording');
  await ben.request({ type: 'consent.withdraw' });
  await anna.state('purged');
  for (const one of [anna, ben]) one.close();
}
const size = async (service) => Number((await service.get('/v1/log/checkpoint')).bytes.toString().split('\n')[1]);
const origin = async (service) => (await service.get('/v1/log/checkpoint')).bytes.toString().split('\n')[0];
const names = async (service) => (await service.get('/v1/sessions', service.token('any', 'a', 'auditor'))).json.map(({ id }) => id).sort();
const modeOf = (file) => (statSync(file).mode & 0o7777).toString(8);

test('what it depends on is all it needs: every plugin and library that is loaded by name', async () => {
  const depends = (await run('dpkg-deb', '-f', first, 'Depends')).split(',').map((one) => one.trim().split(' ')[0]);
  for (const one of ['gstreamer1.0-plugins-base', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad', 'libwebsockets-evlib-ev']) assert.ok(depends.includes(one), one);
  assert.ok(!depends.some((one) => one.startsWith('libsrtp')), 'libsrtp2 is linked in');
});

test('it installs: a user, a private data directory, a configuration that the service can read, nothing started', async () => {
  await run('dpkg', '-i', first);
  assert.match(await run('getent', 'passwd', 'recgate'), /:\/var\/lib\/recgate:\/usr\/sbin\/nologin$/m);
  assert.deepEqual([modeOf(DATA), modeOf(CONFIG)], ['700', '640']);
  assert.deepEqual(readdirSync(DATA), [], 'keys and log are made by the first start, not before the operator chose their home and name');
  for (const [page, word] of [['recgate.8', 'consent'], ['recgatectl.1', 'ledger']]) assert.match(await run('man', '-P', 'cat', page.split('.')[1], page.split('.')[0]), new RegExp(word));
  assert.ok(!existsSync('/etc/systemd/system/multi-user.target.wants/recgate.service'));
});

test('the unit: verified, exposure at most 1.5, and it allows what the program needs', async () => {
  await run('systemd-analyze', 'verify', UNIT);
  const exposure = await run('systemd-analyze', 'security', '--offline=true', '--no-pager', '--threshold=15', UNIT);
  assert.ok(Number(/level for recgate.service: ([\d.]+)/.exec(exposure)[1]) <= 1.5, exposure);
  assert.deepEqual([unit('Type'), unit('LimitRTPRIO'), unit('RestrictRealtime')], [['notify'], ['2'], []]);
});

test('the configuration shows every key with the default of the program', async () => {
  const text = readFileSync(CONFIG, 'utf8');
  const shown = {};
  let section;
  for (const line of text.split('\n')) {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
    const [, name, value] = /^#?(\w+) =(.*)$/.exec(line) ?? [];
    if (name) shown[`${section}.${name}`] = value.trim();
  }
  const known = Object.fromEntries([...(await run('recgate', '--print-config')).matchAll(/^(\S+) = (.*?) +# default/gm)].map(([, name, value]) => [name, value.trim()]));
  known['storage.data'] = DATA;
  known['signaling.announce'] = known['sfu.mode'] = ''; // worked out from others
  assert.deepEqual(shown, known);
  writeFileSync('/tmp/all.conf', text.replace(/^#(\w+ = )/gm, '$1'));
  await run('recgate', '--config', '/tmp/all.conf', '--print-config');
});

test('the Kubernetes manifest parses, names only what is there, and its configuration is one of this program', async () => {
  const read = 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))';
  const all = JSON.parse(await run('python3', '-c', read, 'packaging/kubernetes/sfu-with-gate.yaml'));
  const named = (kind) => all.filter((one) => one.kind === kind).map((one) => one.metadata.name);
  const { spec } = all.find(({ kind }) => kind === 'StatefulSet');
  const pod = spec.template.spec;
  const volumes = [...pod.volumes, ...spec.volumeClaimTemplates.map(({ metadata }) => metadata)];
  for (const { configMap } of pod.volumes) if (configMap) assert.ok(named('ConfigMap').includes(configMap.name), configMap.name);
  for (const { name, volumeMounts, securityContext } of pod.containers) {
    for (const mount of volumeMounts) assert.ok(volumes.some((one) => one.name === mount.name), `${name}: ${mount.name}`);
    assert.deepEqual([securityContext.readOnlyRootFilesystem, securityContext.allowPrivilegeEscalation, securityContext.capabilities.drop], [true, false, ['ALL']], name);
  }
  const text = all.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'recgate').data['recgate.conf'];
  writeFileSync('/tmp/pod.conf', text);
  const values = await run('recgate', '--config', '/tmp/pod.conf', '--print-config');
  const workers = Number(/^media.workers = (\d+)/m.exec(values)[1]);
  const udp = pod.containers[0].ports.filter(({ protocol }) => protocol === 'UDP').map(({ containerPort }) => containerPort);
  assert.deepEqual(udp, Array.from({ length: workers }, (_, i) => 8490 + i), 'one port a worker');
});

test('it starts as its user, tells the manager so, and holds a session', async () => {
  appendFileSync(CONFIG, '\n[controller]\nname = Practice Example\ncontact = privacy@practice.example\n');
  const service = await Service.start();
  try {
    const uid = (await run('id', '-u', 'recgate')).trim();
    const status = readFileSync(`/proc/${service.pid}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
    assert.match(status, /^CapBnd:\t0{16}$/m);
    assert.equal((await service.get('/readyz')).status, 200);
    assert.deepEqual(readdirSync(DATA).map((name) => modeOf(path.join(DATA, name))).filter((mode) => mode !== '600' && mode !== '700'), []);
    await session(service, 'before');
    await until(() => service.told.split('WATCHDOG=1').length > 3, 'pings of the watchdog');
  } finally {
    assert.deepEqual(await service.end(), { code: 0, signal: null });
  }
});

test('an upgrade keeps what the operator changed, the log and the keys', async () => {
  const root = readFileSync(`${DATA}/root.key`);
  await run('dpkg', '-i', '--force-confold', second);
  assert.match(await run('dpkg-query', '-W', '-f', '${Version}', 'recgate'), /\+later$/);
  assert.match(readFileSync(CONFIG, 'utf8'), /Practice Example/);
  const service = await Service.start();
  try {
    assert.deepEqual(readFileSync(`${DATA}/root.key`), root);
    assert.deepEqual(await names(service), ['before']);
    await session(service, 'after');
  } finally {
    await service.end();
  }
  await run('setpriv', '--reuid', 'recgate', '--regid', 'recgate', '--clear-groups', 'recgatectl', 'verify', '--data', DATA);
});

test('a downgrade on the same data starts too', async () => {
  await run('dpkg', '-i', '--force-downgrade', first);
  const service = await Service.start();
  try {
    assert.deepEqual(await names(service), ['after', 'before']);
  } finally {
    await service.end();
  }
});

test('removed, purged, installed again: recordings, keys and log are where they were', async () => {
  const kept = ['keys', 'ledger.key', 'root.key', 'vault.db'];
  await run('dpkg', '--remove', 'recgate');
  assert.ok(!existsSync('/usr/bin/recgate') && existsSync(CONFIG));
  assert.match(await run('dpkg', '--purge', 'recgate'), /\/var\/lib\/recgate is left/);
  assert.ok(!existsSync('/etc/recgate') && !existsSync('/var/cache/recgate'));
  for (const name of kept) assert.ok(existsSync(path.join(DATA, name)), name);
  await run('dpkg', '-i', second);
  const service = await Service.start();
  try {
    assert.deepEqual(await names(service), ['after', 'before']);
    assert.ok((await size(service)) > 10 && (await origin(service)).length > 0);
  } finally {
    await service.end();
  }
});

test('a root key that is a credential is nowhere in the data directory', async () => {
  await run('install', '-d', '-o', 'recgate', '-m', '700', '/run/credentials/recgate.service');
  await run('mv', `${DATA}/root.key`, '/run/credentials/recgate.service/root.key');
  await assert.rejects(Service.start(), /root.key is missing/);
  const service = await Service.start({ credentials: '/run/credentials/recgate.service' });
  try {
    await session(service, 'elsewhere');
  } finally {
    await service.end();
  }
  assert.ok(!existsSync(`${DATA}/root.key`));
});
