// SPDX-License-Identifier: Apache-2.0
// A session's leaves as an auditor reads them: checked against the tree, and with the names put back that the log itself hides (docs/ledger.md, R23).
import { createHash } from 'node:crypto';
import { openCheckpoint, parseKey, Tree } from '../ledger/spec-verifier.mjs';

const commitment = (salt, kind, text) => createHash('sha256').update('recgate commitment 1\n').update(Buffer.from(salt, 'base64')).update(`${kind}\n${text}`).digest('base64url');

/** In their order: {index, type, t, …}, `participant` and `asker` as ids. */
export async function leavesOf(daemon, session) {
  const auditor = daemon.token(session, 'auditor', 'auditor');
  const get = async (where) => (await daemon.get(`/v1/log/${where}`, auditor)).bytes;
  const { events, media, salts } = (await daemon.get(`/v1/sessions/${session}/leaves`, auditor)).json;
  const whose = new Map(Object.entries(salts.participants).map(([id, salt]) => [commitment(salt, 'participant', id), id]));
  const open = (leaf) => ({ ...leaf, ...(leaf.participant ? { participant: whose.get(leaf.participant) } : {}), ...(leaf.asker ? { asker: whose.get(leaf.asker) } : {}) });
  const { size, root } = openCheckpoint(await get('checkpoint'), parseKey((await get('key')).toString()));
  const leaves = [];
  const read = await new Tree(size, get).entries((text) => leaves.push({ index: leaves.length, ...JSON.parse(text) }));
  if (!read.equals(root)) throw new Error('the leaves are not those of the checkpoint');
  const own = new Set([...events, ...media]);
  return leaves.filter(({ index }) => own.has(index)).map(open);
}
