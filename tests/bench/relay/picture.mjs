// SPDX-License-Identifier: Apache-2.0
// The table's CPU a packet as a picture for the README: bars of each server, the bare loop's length is 1.

const [WIDTH, LABELS, ROW, BAR, GAP] = [720, 110, 22, 14, 34];
export const COLOURS = { recgate: '#2a6fb0', 'bare loop': '#7a8896' };
export const OTHERS = '#c3cad2';

export const text = (x, y, words, more = '') => `<text x="${x}" y="${y}"${more}>${words}</text>`;

function group(rows, top, scale) {
  const [{ calls, profile }] = rows;
  const bars = rows.map(({ server, to_bare: ratio, lost, sent }, i) => {
    const y = top + GAP + i * ROW;
    const loss = lost > 0 ? `, ${(100 * lost / (sent * rows[0].rounds.length)).toFixed(lost / sent > 0.1 ? 0 : 2)} % lost` : '';
    return text(LABELS - 8, y + BAR - 2, server, ' text-anchor="end"')
      + `<rect x="${LABELS}" y="${y}" width="${(ratio * scale).toFixed(1)}" height="${BAR}" rx="2" fill="${COLOURS[server] ?? OTHERS}"/>`
      + text(LABELS + ratio * scale + 6, y + BAR - 2, `${ratio.toFixed(2)} ×${loss}`);
  });
  return text(0, top + 18, `${calls} calls, ${{ cm: 'AES-CM', gcm: 'AES-GCM' }[profile]}`, ' font-weight="bold"') + bars.join('');
}

/** @param {{server: string, calls: number, profile: string, to_bare: number, lost: number, sent: number, rounds: object[]}[]} rows @param {string} caption */
export function picture(rows, caption) {
  const groups = [...new Set(rows.map(({ calls, profile }) => `${calls} ${profile}`))]
    .map((key) => rows.filter(({ calls, profile }) => key === `${calls} ${profile}`));
  const scale = (WIDTH - LABELS - 130) / Math.max(...rows.map(({ to_bare: ratio }) => ratio));
  let top = 44;
  const drawn = groups.map((one) => {
    const at = top;
    top += GAP + one.length * ROW;
    return group(one, at, scale);
  });
  return [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 ${WIDTH + 24} ${top + 12}" role="img" font-family="sans-serif" font-size="12" fill="#222c37">`,
    '<!-- SPDX-License-Identifier: Apache-2.0 -->', `<title>${caption}</title>`, `<rect x="-12" width="${WIDTH + 24}" height="${top + 12}" fill="#fff"/>`,
    text(0, 20, caption, ' font-size="14"'), ...drawn, '</svg>', ''].join('\n');
}
