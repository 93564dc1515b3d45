// SPDX-License-Identifier: Apache-2.0
// A data directory of a call of eight hours and twelve people: about 140,000 segments in state tables that the daemon itself has made. No media, no leaves.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Daemon } from '../integration/daemon.mjs';

const HOURS = 8, PEOPLE = 12, TAKES = 8, SEGMENT_MS = 5000;
const TAKE_MS = (HOURS * 3_600_000) / TAKES - 60_000; // a minute's pause between takes
const PER_TAKE = Math.floor(TAKE_MS / SEGMENT_MS);

/** Every 97th segment was dropped; what person 3 sent was purged. */
function sql(session, begin) {
  return `
BEGIN;
INSERT INTO sessions VALUES('${session}', ${begin}, ${begin + HOURS * 3_600_000});
INSERT INTO recordings(id, session, request, on_withdrawal, retention_s, disclosure, sha256, asker, at, ended)
  VALUES(1, '${session}', 1, 2, 86400, '{}', '', 'person-1', ${begin + 60_000}, 1);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${PEOPLE})
  INSERT INTO participants SELECT '${session}', 'person-' || i, 'Person ' || i, iif(i = 1, 'expert', 'client'), ${begin} + i * 4000, ${begin + HOURS * 3_600_000}, 'left' FROM n;
INSERT INTO consents SELECT '${session}', 1, participant, iif(participant = 'person-3', 'withdrawn', 'granted'), NULL, NULL, '', ${begin + 70_000} FROM participants;
WITH RECURSIVE n(t) AS (SELECT 1 UNION ALL SELECT t + 1 FROM n WHERE t < ${TAKES})
  INSERT INTO takes SELECT '${session}', t, 1, (SELECT json_group_array(participant) FROM participants), ${begin + 80_000} + (t - 1) * ${TAKE_MS + 60_000}, ${begin + 80_000} + (t - 1) * ${TAKE_MS + 60_000} + ${TAKE_MS}, 'paused' FROM n;
WITH RECURSIVE take(t) AS (SELECT 1 UNION ALL SELECT t + 1 FROM take WHERE t < ${TAKES}), seq(s) AS (SELECT 0 UNION ALL SELECT s + 1 FROM seq WHERE s < ${PER_TAKE - 1}),
  person(p) AS (SELECT 1 UNION ALL SELECT p + 1 FROM person WHERE p < ${PEOPLE}), medium(m, name) AS (VALUES(0, 'audio'), (1, 'video'))
  INSERT INTO segments(recording, take, participant, track, medium, codec, seq, continues, start_at, end_at, bytes, sha256, consent_set, dropped, wrapped)
  SELECT 1, t, 'person-' || p, 't' || (p * 2 + m), name, iif(m, 'vp8', 'opus'), s, 0, ${begin + 80_000} + (t - 1) * ${TAKE_MS + 60_000} + s * ${SEGMENT_MS},
    ${begin + 80_000} + (t - 1) * ${TAKE_MS + 60_000} + (s + 1) * ${SEGMENT_MS}, 40000 + 500000 * m, 'x', '', iif((s + p) % 97 = 0, 'absent', NULL), x'00'
  FROM take, seq, person, medium ORDER BY t, s, p, m;
INSERT INTO purges(recording, participant, by, scope, reason, segments, bytes, leaf, hash, at) VALUES(1, 'person-3', 'person-3', 2, 'withdrawn', 11000, 1, 0, '', ${begin + HOURS * 3_600_000 + 5000});
COMMIT;`;
}

export const SEGMENTS = TAKES * PER_TAKE * PEOPLE * 2;

/** Makes the database with the daemon, fills it, and starts the daemon on it. */
export async function startWithLongCall(session, options = {}) {
  const first = await Daemon.start(options);
  await first.stop();
  execFileSync('sqlite3', ['-bail', path.join(first.data, 'vault.db')], { input: sql(session, Date.parse('2026-03-02T08:00:00Z')) });
  const daemon = await Daemon.start({ ...options, place: first.place });
  daemon.ownsPlace = true;
  return daemon;
}
