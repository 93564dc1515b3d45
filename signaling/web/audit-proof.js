// SPDX-License-Identifier: Apache-2.0
// Proves a session's leaves in the browser itself, trusting nothing the gate says of them: signature, tree, each leaf's place, and that the log still
// contains what this browser saw of it before (R22, R23).

import { checkConsistent, LogAlarm, LogTree, fromBase64, opened, openCheckpoint, openings, parseKey, toBase64 } from './recgate-log.js';

/** So many leaves are checked without being asked; beyond, those of segments wait for a press. */
export const CHECKED_AT_ONCE = 4000;
const TILE = 256;
const PLACE = 'recgate.log'; // one gate, one log, an origin

/**
 * @param {import('./audit-api.js').AuditApi} api
 * @param {{id: string, participants: {id: string, name?: string}[]}} session
 * @param {{all?: boolean, storage?: Pick<Storage, 'getItem' | 'setItem'>, onProgress?: (done: number, of: number) => void}} options all: the leaves of every segment as well
 * @returns {Promise<{size: number, signed: boolean, erased: boolean, checked: number, waiting: number, earlier: {size: number, at: string} | null, history: any[]}>}
 *   throws LogAlarm where something does not hold
 */
export async function proveSession(api, session, { all = false, storage = localStorage, onProgress = () => {} } = {}) {
  const list = await api.leaves(session.id); // first: the checkpoint that is fetched next then covers it
  const key = await parseKey(await api.logText('key'));
  const before = JSON.parse(storage.getItem(PLACE) ?? 'null');
  if (before && before.key !== key.text) throw new LogAlarm('key_changed', 'the log’s key is another one than before');
  const checkpoint = await openCheckpoint(await api.logText('checkpoint'), key);
  const tree = new LogTree(checkpoint, (path) => api.logBytes(path));
  await tree.check();
  if (before) await checkConsistent(tree, { size: before.size, root: fromBase64(before.root) });
  const whole = all || list.events.length + list.media.length <= CHECKED_AT_ONCE;
  const wanted = (whole ? [...list.events, ...list.media] : list.events).sort((one, other) => one - other);
  const known = await openings(session.id, list.salts, session.participants);
  const leaves = await readLeaves(tree, wanted, known, session.id, { listed: new Set([...list.events, ...list.media]), end: Math.max(-1, ...ends(list)) }, onProgress);
  storage.setItem(PLACE, JSON.stringify({ key: key.text, size: checkpoint.size, root: toBase64(checkpoint.root), at: new Date().toISOString() }));
  return {
    size: checkpoint.size, signed: checkpoint.signed, erased: !list.salts.session, checked: leaves.length, waiting: whole ? 0 : list.media.length,
    earlier: before && { size: before.size, at: before.at }, history: leaves.filter(({ type }) => !['commit', 'drop'].includes(type)),
  };
}

const ends = ({ events, media }) => [events.at(-1) ?? -1, media.at(-1) ?? -1];

/** Bundle by bundle: what the gate lists must be this session's, and what is this session's it must have listed. */
async function readLeaves(tree, wanted, known, session, { listed, end }, onProgress) {
  const bundles = [...new Set(wanted.map((index) => Math.floor(index / TILE)))];
  const missing = new Set(wanted);
  const leaves = [];
  for (const [done, bundle] of bundles.entries()) {
    onProgress(done, bundles.length);
    for (const { index, leaf } of await tree.bundle(bundle)) {
      const ours = known.get(leaf.session) === session;
      if (ours && index <= end && !listed.has(index)) throw new LogAlarm('omitted', 'the gate’s list leaves one out', index);
      if (!ours && missing.has(index)) throw new LogAlarm('foreign', 'the gate’s list has one of another session', index);
      if (ours && missing.delete(index)) leaves.push({ index, ...opened(leaf, known) });
    }
  }
  if (missing.size > 0) throw new LogAlarm('leaf', 'the log does not reach that far', Math.min(...missing));
  return leaves;
}
