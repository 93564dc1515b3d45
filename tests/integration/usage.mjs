// SPDX-License-Identifier: Apache-2.0
// What a process takes of the machine, and whether that grows.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const RSS_GROWTH_MAX_KIB = 2048;

const TICKS_PER_S = 100; // USER_HZ, what /proc counts in on every Linux

export function usage(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
  return { cpu_s: (user + system) / TICKS_PER_S, rss_kib: number('VmRSS'), threads: number('Threads'), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

function socketsOf(pid) {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
}

/** Datagrams that the kernel dropped because their reader was too slow: {name: count} for the processes given as {name: pid}, `others` for all else here. */
export function drops(pids) {
  const sockets = Object.entries(pids).map(([name, pid]) => [name, socketsOf(pid)]);
  const counts = { ...Object.fromEntries(sockets.map(([name]) => [name, 0])), others: 0 };
  for (const table of ['udp', 'udp6'])
    for (const line of readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [owner] = sockets.find(([, inodes]) => inodes.has(fields[9])) ?? ['others'];
      counts[owner] += Number(fields[12]);
    }
  return counts;
}

/** Of samples at even times: {rss_kib, threads, descriptors}, each [around the first quarter, at the end]. */
export function growth(samples) {
  const around = (share) => samples.slice(Math.max(0, Math.floor(samples.length * share) - 5), Math.floor(samples.length * share) + 5);
  const most = (list, name) => Math.max(...list.map((one) => one[name]));
  const least = (list, name) => Math.min(...list.map((one) => one[name])); // a segment or a journal that is open at the moment is no leak
  const [quarter, end] = [around(0.25), around(1)];
  return {
    rss_kib: [most(quarter, 'rss_kib'), most(end, 'rss_kib')], threads: [most(quarter, 'threads'), most(end, 'threads')],
    descriptors: [least(quarter, 'descriptors'), least(end, 'descriptors')],
  };
}

/** descriptors: where they can be told while the process works. */
export function assertStays({ rss_kib, threads, descriptors }) {
  assert.ok(rss_kib[1] <= rss_kib[0] + RSS_GROWTH_MAX_KIB, `memory grew: ${rss_kib} KiB`);
  assert.equal(threads[1], threads[0], 'threads');
  if (descriptors) assert.equal(descriptors[1], descriptors[0], 'descriptors');
}
