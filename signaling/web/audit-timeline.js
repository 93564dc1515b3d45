// SPDX-License-Identifier: Apache-2.0
// A session as lanes over time: what the auditor's chart draws, without the drawing. Pure; moments are milliseconds since the epoch.

/**
 * @typedef {{from: number, to: number}} Span
 * @typedef {Span & {take: number, state: string, reason: string | null, first: number, last: number, segments: number, bytes: number, timed: boolean}} Range
 * @typedef {{at: number, kind: string, of: string, reason?: string, scope?: string, beyond?: 'before' | 'after'}} Mark
 */

const at = (text) => (text ? Date.parse(text) : NaN);
const known = (...moments) => moments.filter(Number.isFinite);

/**
 * @param {any} session as GET /v1/sessions/{sid} gives it
 * @param {any[]} runs as …/segments?runs=1 gives them
 * @param {{now?: number, history?: {type: string, at: number, participant?: string, reason?: string, scope?: string}[]}} options
 *   history: the session's own leaves, opened; with them absences within the call and changes of mind show as well
 */
export function timeline(session, runs, { now = Date.now(), history = [] } = {}) {
  const span = extent(session, runs, now);
  const marks = (history.some(({ type }) => ANSWERS[type]) ? answersOf(history) : session.consents.map((one) => ({ at: at(one.at), kind: one.answer, of: one.participant })))
    .map((mark) => placed(mark, span));
  return {
    ...span,
    gate: gateSpans(session.takes, span),
    purges: session.purges.map((one) => placed({ at: at(one.at), kind: 'purge', of: one.participant, reason: one.reason, scope: one.scope }, span)),
    people: session.participants.map((one) => ({
      id: one.id,
      name: one.name || one.id,
      present: presence(one, history, span),
      marks: marks.filter(({ of }) => of === one.id),
      rows: rowsOf(runs.filter(({ participant }) => participant === one.id), session.takes, span),
    })),
  };
}

/** From the first arrival to the last departure. What comes weeks later (an expiry, a withdrawal) must not squeeze the call to a line. */
function extent({ participants, takes }, runs, now) {
  const starts = known(...participants.map((one) => at(one.joined)), ...takes.map((one) => at(one.opened)), ...runs.map((one) => at(one.start)));
  const ends = known(...participants.map((one) => (one.left ? at(one.left) : NaN)), ...takes.map((one) => at(one.closed)), ...runs.map((one) => at(one.end)));
  if (participants.some(({ left }) => !left) && participants.length > 0) ends.push(now);
  const from = starts.length ? Math.min(...starts) : now;
  return { from, to: Math.max(from + 1000, ends.length ? Math.max(...ends) : now) };
}

function placed(mark, { from, to }) {
  if (mark.at < from) return { ...mark, beyond: 'before' };
  return mark.at > to ? { ...mark, beyond: 'after' } : mark;
}

/** The gate's whole life: open in each take, closed before, between and after, with the reason that closed it. */
function gateSpans(takes, { from, to }) {
  const spans = [];
  let since = from, reason = null;
  for (const take of takes) {
    const opened = at(take.opened), closed = take.closed ? at(take.closed) : to;
    if (opened > since) spans.push({ from: since, to: opened, open: false, reason });
    spans.push({ from: opened, to: closed, open: true, take: take.take, reason: take.reason ?? null });
    since = closed;
    reason = take.reason ?? null;
  }
  if (since < to) spans.push({ from: since, to, open: false, reason });
  return spans;
}

function presence(person, history, { from, to }) {
  const moves = history.filter(({ type, participant }) => ['join', 'leave'].includes(type) && participant === person.id);
  if (moves.length === 0) {
    const joined = at(person.joined);
    return Number.isFinite(joined) ? [{ from: joined, to: person.left ? at(person.left) : to, reason: person.left ? person.reason ?? null : null }] : [];
  }
  const spans = [];
  let since = null;
  for (const move of moves) {
    if (move.type === 'join') since ??= move.at;
    else if (since !== null) {
      spans.push({ from: since, to: move.at, reason: move.reason ?? null });
      since = null;
    }
  }
  if (since !== null) spans.push({ from: Math.max(since, from), to, reason: null });
  return spans;
}

const ANSWERS = { request: 'asked', grant: 'granted', decline: 'declined', withdraw: 'withdrawn', offer: 'offered' };

function answersOf(history) {
  return history.filter(({ type }) => ANSWERS[type]).map((one) => ({ at: one.at, kind: ANSWERS[one.type], of: one.participant ?? one.asker, scope: one.scope }));
}

/** One row for sound, one for picture, and more where somebody sent several at once (a shared screen). */
function rowsOf(runs, takes, span) {
  const rows = new Map();
  const tracks = new Map();
  const opened = new Map(takes.map((one) => [one.take, at(one.opened)]));
  for (const run of runs) {
    const seen = tracks.get(`${run.take} ${run.medium}`) ?? [];
    if (!seen.includes(run.track)) seen.push(run.track);
    tracks.set(`${run.take} ${run.medium}`, seen);
    const nth = seen.indexOf(run.track);
    const key = `${run.medium} ${nth}`;
    if (!rows.has(key)) rows.set(key, { medium: run.medium, nth, ranges: [] });
    rows.get(key).ranges.push(rangeOf(run, opened.get(run.take) ?? span.from));
  }
  for (const row of rows.values()) row.ranges.sort((one, other) => one.from - other.from || one.first - other.first);
  return [...rows.values()].sort((one, other) => one.medium.localeCompare(other.medium) || one.nth - other.nth);
}

/** What was dropped before it had times stands where its take began. */
function rangeOf(run, takeFrom) {
  const from = at(run.start), timed = Number.isFinite(from);
  const { take, state, reason, first, last, segments, bytes } = run;
  return { from: timed ? from : takeFrom, to: timed ? Math.max(from, at(run.end) || from) : takeFrom, timed, take, state, reason, first, last, segments, bytes };
}

/**
 * What of a row is seen between two moments on so many pixels: what is narrower than a mark joins a neighbour that is narrow too, so that eight hours of short
 * stretches are a few marks and not thousands.
 * @template {Span} T @param {T[]} spans in order @returns {{from: number, to: number, left: number, width: number, narrow: boolean, all: T[]}[]} left and width: parts of one
 */
export function inView(spans, { from, to }, pixels, smallest = 6) {
  const scale = pixels / (to - from);
  const seen = [];
  for (const span of spans) {
    if (span.to < from || span.from > to) continue;
    const one = { from: Math.max(span.from, from), to: Math.min(span.to, to), all: [span] };
    const last = seen.at(-1);
    const narrow = one.narrow = (one.to - one.from) * scale < smallest;
    if (last && narrow && last.narrow && (one.to - last.from) * scale < smallest) {
      last.to = Math.max(last.to, one.to);
      last.all.push(span);
    } else seen.push(one);
  }
  return seen.map((one) => ({ ...one, left: (one.from - from) / (to - from), width: Math.max(one.to - one.from, smallest / scale) / (to - from) }));
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800];

/** Round moments of the reader's clock for the axis. @returns {{at: number, place: number, seconds: boolean}[]} */
export function ticks({ from, to }, pixels, apart = 90) {
  const step = 1000 * (STEPS_S.find((s) => (s * 1000 * pixels) / (to - from) >= apart) ?? STEPS_S.at(-1));
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const marks = [];
  for (let moment = Math.ceil((from - shift) / step) * step + shift; moment <= to; moment += step)
    marks.push({ at: moment, place: (moment - from) / (to - from), seconds: step < 60_000 });
  return marks;
}

const NEAREST_MS = 5000;

/** The view after zooming by a factor around a moment: never wider than the whole, never narrower than five seconds. */
export function zoomed(view, whole, factor, around = (view.from + view.to) / 2) {
  const width = Math.min(whole.to - whole.from, Math.max(NEAREST_MS, (view.to - view.from) * factor));
  const part = (around - view.from) / (view.to - view.from);
  return moved({ from: around - part * width, to: around + (1 - part) * width }, whole, 0);
}

/** The view moved by a part of its width, kept inside the whole. */
export function moved(view, whole, by) {
  const width = view.to - view.from;
  const from = Math.min(Math.max(view.from + by * width, whole.from), Math.max(whole.to - width, whole.from));
  return { from, to: from + width };
}

/** Played at once: some minutes, so that nobody waits for hours to arrive. */
export const PLAYED_SEGMENTS = 24;

/** Which segments to play of a kept range from a moment on. @param {Range} range @param {number} moment */
export function playedFrom(range, moment) {
  const each = (range.to - range.from) / range.segments || 1;
  const skipped = Math.min(range.segments - 1, Math.max(0, Math.floor((moment - range.from) / each)));
  const first = range.first + skipped;
  return { take: range.take, from: first, to: Math.min(range.last, first + PLAYED_SEGMENTS - 1), last: range.last };
}
