// SPDX-License-Identifier: Apache-2.0
// How long a withdrawal takes, as a picture for the README: percentiles, on a logarithmic scale of time, with the targets.
import { SHARES } from './figures.mjs';

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 330, 64, 168, 56, 40];
const [FROM_US, TO_US] = [5, 1_000_000];
const LINES = [['gate', 'gate closed', '#2a6fb0'], ['erased', 'erased durably', '#b0572a'], ['seen', 'acknowledged', '#7a8896']];
const TICKS = [[10, '10 µs'], [100, '100 µs'], [1000, '1 ms'], [10_000, '10 ms'], [100_000, '100 ms'], [1_000_000, '1 s']];

const text = (x, y, words, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${more}>${words}</text>`;
const across = (i) => LEFT + 24 + i * (WIDTH - LEFT - RIGHT - 48) / (SHARES.length - 1);
const up = (us) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.log(Math.min(Math.max(us, FROM_US), TO_US) / FROM_US) / Math.log(TO_US / FROM_US);
const shown = (us) => (us < 1000 ? `${Math.round(us)} µs` : `${(us / 1000).toFixed(us < 10_000 ? 1 : 0)} ms`);

function grid() {
  const lines = TICKS.map(([us, words]) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(us)}" y2="${up(us)}" stroke="#e3e7eb"/>${text(LEFT - 8, up(us) + 4, words, ' text-anchor="end"')}`);
  return lines.join('') + SHARES.map((share, i) => text(across(i), HEIGHT - BOTTOM + 20, share, ' text-anchor="middle"')).join('');
}

function curve([key, name, colour], figures) {
  const points = SHARES.map((share, i) => [across(i), up(figures[key][share])]);
  const dots = points.map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`).join('');
  const label = key === 'seen' ? '' : points.map(([x, y], i) => text(x, y - 8, shown(figures[key][SHARES[i]]), ` text-anchor="middle" fill="${colour}"`)).join('');
  return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map((one) => one.map((at) => at.toFixed(1)).join()).join(' ')}"/>${dots}${label}` +
    text(WIDTH - RIGHT + 6, points.at(-1)[1] + (key === 'seen' ? -6 : 12), name, ` fill="${colour}"`);
}

/** The target: a bar that the curve must pass below. */
function bar(key, { share, us }) {
  const [, , colour] = LINES.find(([one]) => one === key);
  const x = across(SHARES.indexOf(share));
  return `<line x1="${x - 34}" x2="${x + 34}" y1="${up(us)}" y2="${up(us)}" stroke="${colour}" stroke-width="3" stroke-dasharray="5 3"/>` +
    text(x - 38, up(us) + 4, `target ${us / 1000} ms`, ` text-anchor="end" fill="${colour}" font-size="10"`);
}

/** @param {{target: Record<string, {share: string, us: number}>, load: object, rush: object}} result as withdraw.mjs makes it */
export function picture({ target, load, rush }) {
  const caption = 'How long a withdrawal takes under load';
  const under = `${load.sessions} sessions, ${rush.open_gates} recording, ${rush.reached.toFixed(0)} withdrawals a second; ${rush.all.gate.count} measured`;
  return [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12" fill="#222c37">`,
    '<!-- SPDX-License-Identifier: Apache-2.0 -->', `<title>${caption}</title>`, `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(12, 22, caption, ' font-size="14"'), text(12, 40, under, ' fill="#5a6672"'), grid(), ...LINES.map((one) => curve(one, rush.all)),
    ...Object.entries(target).map(([key, one]) => bar(key, one)), '</svg>', ''].join('\n');
}
