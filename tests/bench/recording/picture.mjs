// SPDX-License-Identifier: Apache-2.0
// The table's CPU a playable minute as a picture for the README: a bar of each recorder, in parts: recording, and making it playable.
import { COLOURS, OTHERS, text } from '../relay/picture.mjs';

const [WIDTH, LABELS, ROW, BAR, GAP] = [720, 130, 22, 14, 34];

function bar({ recorder, record_ms: record, playable_ms: playable }, y, scale) {
  const [first, second] = [record, playable].map((ms) => Math.max(ms, 0) * 60 * scale);
  const part = (x, width, more) => `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${COLOURS[recorder] ?? OTHERS}"${more}/>`;
  const words = playable > 0 ? `${(60 * record).toFixed(0)} + ${(60 * playable).toFixed(0)} ms` : `${(60 * record).toFixed(0)} ms`;
  return text(LABELS - 8, y + BAR - 2, recorder, ' text-anchor="end"') + part(LABELS, first, '') + part(LABELS + first, second, ' fill-opacity="0.5"')
    + text((LABELS + first + second + 6).toFixed(1), y + BAR - 2, words);
}

/** @param {{recorder: string, participants: number, record_ms: number, playable_ms: number}[]} rows ms a recorded second */
export function picture(rows, caption) {
  const groups = [...new Set(rows.map(({ participants }) => participants))].map((n) => rows.filter(({ participants }) => participants === n));
  const scale = (WIDTH - LABELS - 110) / Math.max(...rows.map(({ record_ms: record, playable_ms: playable }) => 60 * (record + playable)));
  let top = 44;
  const drawn = groups.map((group) => {
    const at = top;
    top += GAP + group.length * ROW;
    return text(0, at + 18, `${group[0].participants} participant${group[0].participants > 1 ? 's' : ''}`, ' font-weight="bold"')
      + group.map((row, i) => bar(row, at + GAP + i * ROW, scale)).join('');
  });
  return [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 ${WIDTH + 24} ${top + 12}" role="img" font-family="sans-serif" font-size="12" fill="#222c37">`,
    '<!-- SPDX-License-Identifier: Apache-2.0 -->', `<title>${caption}</title>`, `<rect x="-12" width="${WIDTH + 24}" height="${top + 12}" fill="#fff"/>`,
    text(0, 20, caption, ' font-size="14"'), text(0, 38, 'Darker: recording. Lighter: making a playable file of it.'), ...drawn, '</svg>', ''].join('\n');
}
