// SPDX-License-Identifier: Apache-2.0
// Draws a session's lanes and lets a person walk through them: by pointer, by keyboard, and by ear (every mark says itself in words).

import { words } from './audit-strings.js';
import { inView, moved, playedFrom, ticks, zoomed } from './audit-timeline.js';
import { clock, moment, reason } from './audit-words.js';
import { $, el, show, write } from './dom.js';

export class Chart {
  #model = null;
  #view = null;
  #onPlay;
  #focus = { row: 0, at: 0 };
  #width = 0;

  /** @param {(what: {participant: string, name: string, medium: string, take: number, from: number, to: number, last: number}) => void} onPlay */
  constructor(onPlay) {
    this.#onPlay = onPlay;
    const press = (id, act) => $(id).addEventListener('click', act);
    press('zoom-in', () => this.#zoom(0.5));
    press('zoom-out', () => this.#zoom(2));
    press('earlier', () => this.#move(-0.5));
    press('later', () => this.#move(0.5));
    $('chart-view').addEventListener('change', ({ target }) => this.#choose(target.value));
    $('chart').addEventListener('keydown', (event) => this.#key(event));
    $('chart').addEventListener('focusin', ({ target }) => this.#remember(target));
    new ResizeObserver(() => {
      if (this.#model && Math.abs(this.#pixels() - this.#width) > 1) this.#render();
    }).observe($('chart'));
  }

  /** @param {ReturnType<import('./audit-timeline.js').timeline>} model keep: the view stays where it is (more was learned of the same session) */
  draw(model, { keep = false } = {}) {
    this.#model = model;
    if (!keep || !this.#view) {
      this.#view = { from: model.from, to: model.to };
      this.#focus = { row: 0, at: 0 };
      write('told', '');
    }
    const takes = model.gate.filter(({ open }) => open);
    $('chart-view').replaceChildren(el('option', { value: '' }, words.wholeCall), ...takes.map(({ take }) => el('option', { value: String(take) }, words.takeNumber(take))));
    this.#render();
  }

  #choose(take) {
    const span = this.#model.gate.find((one) => one.open && String(one.take) === take) ?? this.#model;
    this.#view = zoomed({ from: span.from, to: span.to }, this.#model, 1);
    this.#render();
  }

  #zoom(factor, around) {
    this.#view = zoomed(this.#view, this.#model, factor, around);
    this.#render();
  }

  #move(by) {
    this.#view = moved(this.#view, this.#model, by);
    this.#render();
  }

  #pixels() {
    if (!$('chart').firstChild) $('chart').append(lane('axis', '', el('div', { className: 'track' }))); // to measure by
    return $('chart').querySelector('.track').clientWidth || 600;
  }

  #render() {
    const hadFocus = $('chart').contains(document.activeElement);
    const pixels = this.#width = this.#pixels();
    const lanes = [this.#axis(pixels), this.#gateLane(pixels), ...this.#model.people.flatMap((person) => this.#personLanes(person, pixels))];
    $('chart').replaceChildren(...lanes);
    $('zoom-out').disabled = $('earlier').disabled = $('later').disabled = this.#view.to - this.#view.from >= this.#model.to - this.#model.from;
    write('chart-span', words.shown(moment(this.#view.from), moment(this.#view.to)));
    this.#restore(hadFocus);
  }

  #axis(pixels) {
    const marks = ticks(this.#view, pixels).filter(({ place }) => place * pixels < pixels - 70).map(({ at, place, seconds }) => placed(el('span', { className: 'tick' }, clock(at, seconds)), place));
    return lane('axis', '', el('div', { className: 'track', ariaHidden: 'true' }, ...marks));
  }

  #gateLane(pixels) {
    const spans = inView(this.#model.gate, this.#view, pixels).map((seen) => this.#group(seen, pixels, (one) => ({
      short: one.open ? words.takeNumber(one.take) : words.closedShort,
      text: one.open ? words.gateOpen(one.take, clock(one.from), clock(one.to), reason(one.reason)) : words.gateClosed(clock(one.from), clock(one.to), reason(one.reason)),
    }), words.gateLane));
    const purges = this.#model.purges.map((one) => this.#point(one, words.purgeMark(moment(one.at), words.scopes[one.scope] ?? one.scope, this.#name(one.of), reason(one.reason))));
    return lane('gate', words.gateLane, el('div', { className: 'track' }, ...spans, ...purges.filter(Boolean)));
  }

  #personLanes(person, pixels) {
    const there = inView(person.present, this.#view, pixels).map((seen) => this.#group(seen, pixels, (one) => ({
      short: '', text: words.present(person.name, clock(one.from), clock(one.to), one.reason ? reason(one.reason) : ''),
    }), person.name));
    const marks = person.marks.map((one) => this.#point(one, words.answerMark(person.name, words.answers[one.kind] ?? one.kind, moment(one.at))));
    const rows = person.rows.map((row) => {
      const label = row.nth ? words.further(words.media[row.medium], row.nth + 1) : words.media[row.medium] ?? row.medium;
      const ranges = inView(row.ranges, this.#view, pixels).map((seen) => this.#group(seen, pixels, (one) => ({
        short: words.marks[one.state] ?? '?', text: words.range(person.name, label, one.segments, clock(one.from), clock(one.to), words.states[one.state] ?? one.state, one.state === 'dropped' && one.reason ? reason(one.reason) : ''),
        play: one.state === 'kept' && (() => this.#onPlay({ participant: person.id, name: person.name, medium: row.medium, ...playedFrom(one, Math.max(one.from, this.#clicked ?? this.#view.from)) })),
      }), `${person.name}, ${label}`));
      return lane('media', label, el('div', { className: 'track' }, ...ranges), `${person.name}, ${label}`);
    });
    return [lane('person', person.name, el('div', { className: 'track' }, ...there, ...marks.filter(Boolean))), ...rows];
  }

  #clicked = null;

  /** One mark for what lies too close together to tell apart; pressing it comes nearer. */
  #group(seen, pixels, describe, whose) {
    const single = seen.all.length === 1;
    const kinds = [...new Set(seen.all.map(kindOf))];
    const { short, text, play } = single ? describe(seen.all[0]) : { short: '…', text: words.several(whose, seen.all.length, clock(seen.from), clock(seen.to), kinds.map((one) => words.kinds[one] ?? one)) };
    const room = seen.width * pixels > 14 * Math.max(1, short.length * 0.62);
    const made = this.#mark(kinds.length === 1 ? kinds[0] : 'mixed', text + (play ? ` ${words.pressToPlay}` : single ? '' : ` ${words.pressToZoom}`), room ? short : '', seen.from);
    made.classList.toggle('narrow', seen.narrow);
    placed(made, seen.left, seen.width);
    made.addEventListener('click', (event) => {
      const box = made.getBoundingClientRect();
      this.#clicked = event.detail > 0 ? seen.from + ((event.clientX - box.left) / box.width) * (seen.to - seen.from) : null;
      if (play) play();
      else if (!single) this.#zoom(Math.max(0.02, ((seen.to - seen.from) / (this.#view.to - this.#view.from)) * 3), (seen.from + seen.to) / 2);
      this.#clicked = null;
    });
    return made;
  }

  /** What happened before or after the call stands at its edge; the words say when it was. */
  #point(one, text) {
    const edge = { before: this.#model.from, after: this.#model.to }[one.beyond];
    const at = edge ?? one.at;
    if (at < this.#view.from || at > this.#view.to) return null;
    const made = this.#mark(one.kind, text, words.marks[one.kind] ?? '•', at);
    made.classList.add('point');
    return placed(made, (at - this.#view.from) / (this.#view.to - this.#view.from));
  }

  #mark(kind, text, short, at) {
    const made = el('button', { type: 'button', className: 'mark', tabIndex: -1, dataset: { kind, at } }, ...(short ? [short] : []));
    made.setAttribute('aria-label', text);
    made.title = text;
    return made;
  }

  #name(id) {
    return this.#model.people.find((one) => one.id === id)?.name ?? id ?? words.none;
  }

  // --- walking: one stop in the page's tab order, arrows inside ---

  #rows() {
    return [...$('chart').querySelectorAll('.lane')].map((one) => [...one.querySelectorAll('.mark')].sort((a, b) => a.dataset.at - b.dataset.at)).filter(({ length }) => length > 0);
  }

  #remember(mark) {
    if (!mark.classList.contains('mark')) return;
    const row = this.#rows().findIndex((marks) => marks.includes(mark));
    this.#focus = { row, at: Number(mark.dataset.at) };
    this.#only(mark);
    write('told', mark.getAttribute('aria-label'));
  }

  #only(mark) {
    for (const other of $('chart').querySelectorAll('.mark[tabindex="0"]')) other.tabIndex = -1;
    mark.tabIndex = 0;
  }

  #restore(hadFocus) {
    const rows = this.#rows();
    if (rows.length === 0) return;
    const mark = nearest(rows[Math.min(this.#focus.row, rows.length - 1)], this.#focus.at);
    this.#only(mark);
    if (hadFocus) mark.focus({ preventScroll: true });
  }

  #key(event) {
    const rows = this.#rows();
    const { row } = this.#focus;
    const marks = rows[row] ?? [];
    const index = marks.indexOf(document.activeElement);
    const go = {
      ArrowRight: () => marks[index + 1], ArrowLeft: () => marks[index - 1], Home: () => marks[0], End: () => marks.at(-1),
      ArrowDown: () => rows[row + 1] && nearest(rows[row + 1], this.#focus.at), ArrowUp: () => rows[row - 1] && nearest(rows[row - 1], this.#focus.at),
    }[event.key];
    const act = { '+': () => this.#zoom(0.5, this.#focus.at), '=': () => this.#zoom(0.5, this.#focus.at), '-': () => this.#zoom(2, this.#focus.at), PageUp: () => this.#move(-0.5), PageDown: () => this.#move(0.5) }[event.key];
    if (index < 0 || event.ctrlKey || event.altKey || event.metaKey || !(go || act)) return;
    event.preventDefault();
    if (act) act();
    else go()?.focus();
  }
}

const nearest = (marks, at) => marks.reduce((best, one) => (Math.abs(one.dataset.at - at) < Math.abs(best.dataset.at - at) ? one : best));

const kindOf = (span) => span.state ?? (span.open === undefined ? 'present' : span.open ? 'open' : 'closed');

function lane(kind, label, track, spoken = label) {
  const made = el('div', { className: `lane ${kind}` }, el('div', { className: 'lane-label', title: label }, label), track);
  if (kind === 'axis') return made;
  made.setAttribute('role', 'group');
  made.setAttribute('aria-label', spoken);
  return made;
}

/** By the style's properties, which the content security policy lets a script set. */
function placed(element, left, width) {
  element.style.left = `${left * 100}%`;
  if (width !== undefined) element.style.width = `${width * 100}%`;
  return element;
}

/** The marks and what they mean, before anything else is asked. */
export function drawLegend() {
  const kinds = ['kept', 'purged', 'dropped', 'expired', 'open', 'closed', 'granted', 'declined', 'withdrawn', 'purge'];
  $('legend').replaceChildren(...kinds.map((kind) => el('li', {}, el('span', { className: 'mark sample', dataset: { kind }, ariaHidden: 'true' }, words.marks[kind] ?? ''), ` ${words.kinds[kind]}`)));
  show('legend', true);
}
