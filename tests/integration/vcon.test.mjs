// SPDX-License-Identifier: Apache-2.0
// recgatectl vcon, read by somebody who has only the specifications: RFC 7515 and RFC 8037 (JWS, EdDSA), c2sp.org/tlog-proof, RFC 6962.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Client, record } from './client.mjs';
import { Daemon, RECGATECTL, scratch } from './daemon.mjs';

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const ctl = (data, ...args) => spawnSync(RECGATECTL, [...args, '--data', data], { encoding: 'utf8' });

/** The Ed25519 key of a verifier text "name+id+base64(1 || key)" (Go's sumdb/note). */
function publicKey(text) {
  const encoded = text.split('+').slice(2).join('+');
  const bytes = Buffer.from(encoded, 'base64');
  assert.equal(bytes[0], 1);
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') }, format: 'jwk' });
}

function opened(jws) {
  assert.equal(jws.signatures.length, 1);
  const [{ protected: head, signature }] = jws.signatures;
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  assert.equal(header.alg, 'EdDSA');
  const key = publicKey(header.kid);
  const holds = (payload) => verify(null, Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'));
  assert.ok(holds(jws.payload));
  assert.ok(!holds(jws.payload.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))), 'another text has this signature');
  return { vcon: JSON.parse(Buffer.from(jws.payload, 'base64url')), key, header };
}

/** c2sp.org/tlog-proof: the leaf is in the tree whose root the log signed. */
function checkProof({ index, leaf, proof, verifier }) {
  const [head, note] = [proof.slice(0, proof.indexOf('\n\n')), proof.slice(proof.indexOf('\n\n') + 2)];
  const lines = head.split('\n');
  assert.equal(lines[0], 'c2sp.org/tlog-proof@v1');
  const at = lines.findIndex((line) => line.startsWith('index '));
  assert.equal(Number(lines[at].slice(6)), index);
  const [, size, root] = note.split('\n');
  let [fn, sn, hash] = [index, Number(size) - 1, sha256([0], leaf)];
  for (const line of lines.slice(at + 1)) {
    const sibling = Buffer.from(line, 'base64');
    if (fn % 2 === 1 || fn === sn) {
      hash = sha256([1], sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else hash = sha256([1], hash, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  assert.equal(sn, 0);
  assert.equal(hash.toString('base64'), root);
  const [body, signatures] = [note.slice(0, note.indexOf('\n\n') + 1), note.slice(note.indexOf('\n\n') + 2)];
  const signature = Buffer.from(signatures.trim().split(' ').at(-1), 'base64').subarray(4);
  assert.ok(verify(null, Buffer.from(body), publicKey(verifier), signature));
}

const commitment = (salt, kind, text) => sha256('recgate commitment 1\n', Buffer.from(salt, 'base64'), kind, '\n', text).toString('base64url');

test('a signed vCon whose lawful basis is proven by the ledger', async () => {
  const place = scratch();
  const daemon = await Daemon.start({ place });
  const anna = await Client.join(daemon, 'talk', 'anna', 'expert', { name: 'Anna Élise' });
  const ben = await Client.join(daemon, 'talk', 'ben', 'client', { name: 'Ben' });
  const asked = await record(anna, [ben], { retention_s: 86_400 }, ['audio']);
  await ben.state('recording');
  await anna.request({ type: 'recording.stop' });
  await ben.request({ type: 'consent.withdraw' });
  assert.equal(ctl(place.data, 'vcon', 'talk', '-o', '-').status, 2, 'a running recgate owns the ledger');
  await daemon.stop();

  const file = path.join(place.dir, 'talk.vcon.json');
  assert.equal(ctl(place.data, 'vcon', 'nobody', '-o', file).status, 2);
  const made = ctl(place.data, 'vcon', 'talk', '-o', file);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(ctl(place.data, 'vcon', 'talk', '-o', file).status, 2, 'never over a file that is there');
  const { vcon, header } = opened(JSON.parse(readFileSync(file, 'utf8')));
  assert.equal(vcon.vcon, '0.4.0');
  assert.match(vcon.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(Math.abs(Date.parse(vcon.created_at) - Date.now()) < 60_000);
  assert.deepEqual(vcon.parties.map((party) => [party.name, party.recgate.id]), [['Anna Élise', 'anna'], ['Ben', 'ben']]);
  assert.deepEqual([vcon.dialog, vcon.analysis], [[], []]);
  const basis = vcon.attachments.map((one) => ({ ...one.body, ...one }));
  assert.deepEqual(basis.map((one) => [one.type, one.encoding, one.lawful_basis, one.party, one.purpose_grants[0].granted]),
    [['lawful_basis', 'json', 'consent', 0, true], ['lawful_basis', 'json', 'consent', 1, false]]);
  for (const one of basis) {
    assert.deepEqual(one.purpose_grants.map((grant) => grant.purpose), ['recording', 'education']);
    assert.ok(Date.parse(one.expiration) > Date.now() + 86_000_000);
    assert.equal(one.metadata.disclosure_sha256, asked.disclosure_sha256);
    const [{ proof_data: proof }] = one.proof_mechanisms;
    assert.equal(proof.verifier, header.kid);
    checkProof(proof);
    const leaf = JSON.parse(proof.leaf);
    assert.equal(leaf.type, one.party === 0 ? 'grant' : 'withdraw');
    assert.equal(leaf.participant, commitment(proof.salts.participant, 'participant', vcon.parties[one.party].recgate.id));
    assert.equal(leaf.session, commitment(proof.salts.session, 'session', 'talk'));
  }
  place.remove();
});

test('kept takes are dialogs with the hashes of their segments, and the access is on the ledger first (R20)', () => {
  const workload = path.join(path.dirname(RECGATECTL), 'tests/vault/vault-workload');
  const dir = mkdtempSync(path.join(tmpdir(), 'recgate-vcon-'));
  // It lets late answers go unfreed on purpose (workload.c).
  execFileSync(workload, [dir], { env: { ...process.env, ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` } });
  const kept = (session) => JSON.parse(ctl(dir, 'segments', session, '--json').stdout).filter((one) => one.state === 'kept');
  const session = JSON.parse(ctl(dir, 'sessions', '--json').stdout).map((one) => one.id).find((id) => kept(id).length);
  const { vcon } = opened(JSON.parse(ctl(dir, 'vcon', session, '-o', '-').stdout));
  const listed = vcon.dialog.flatMap((dialog) => dialog.recgate.segments);
  assert.deepEqual(listed.map((one) => one.sha256).sort(), kept(session).map((one) => one.sha256).sort());
  for (const dialog of vcon.dialog) {
    assert.deepEqual([dialog.type, dialog.body, dialog.url], ['recording', undefined, undefined]);
  }
  assert.deepEqual(vcon.redacted, { type: 'recordings left out' });
  assert.ok(readFileSync(path.join(dir, 'vault.db')).includes('"type":"access"'));
  rmSync(dir, { recursive: true });
});
