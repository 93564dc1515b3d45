// SPDX-License-Identifier: Apache-2.0
// What /metrics says: {name: value}, a sample with a label as name{label="value"}.
export async function metrics(daemon) {
  const text = (await daemon.get('/metrics')).bytes.toString();
  return Object.fromEntries(text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}
