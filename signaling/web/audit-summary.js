// SPDX-License-Identifier: Apache-2.0
// From the gate's lists to lines that a person can take in. Pure.

/**
 * Thousands of segments as one line for each stretch with the same fate.
 * @param {{take: number, participant: string, medium: string, state: string, reason: string | null, start: string, end: string, bytes: number, segments?: number}[]} segments
 *   single ones, or the gate's ranges of them
 */
export function fates(segments) {
  const lines = new Map();
  for (const { take, participant, medium, state, reason, start, end, bytes, segments: count = 1 } of segments) {
    const key = JSON.stringify([take, participant, medium, state, reason]);
    const line = lines.get(key) ?? { take, participant, medium, state, reason, segments: 0, bytes: 0, from: start, to: end };
    line.segments += count;
    line.bytes += bytes;
    line.from = earliest(line.from, start);
    line.to = earliest(line.to, end, true);
    lines.set(key, line);
  }
  return [...lines.values()].sort((one, other) => one.take - other.take || one.participant.localeCompare(other.participant) || one.medium.localeCompare(other.medium));
}

// RFC 3339 in UTC with the same number of digits: text order is time order. What was dropped may have no times.
function earliest(one, other, latest = false) {
  if (one === null || other === null) return one ?? other;
  return (one < other) === latest ? other : one;
}

/**
 * Calls that fit every word of a search: in their id, in somebody's name, in their date as the reader sees it or as 2026-01-31.
 * @param {{id: string, people?: string[], first: string}[]} sessions @param {string} text @param {(at: string) => string} moment
 */
export function search(sessions, text, moment) {
  const asked = text.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  if (asked.length === 0) return sessions;
  return sessions.filter((one) => {
    const all = [one.id, ...(one.people ?? []), one.first ?? '', one.first ? moment(one.first) : ''].join(' ').toLocaleLowerCase();
    return asked.every((word) => all.includes(word));
  });
}
