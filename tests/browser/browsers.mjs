// SPDX-License-Identifier: Apache-2.0
// Starts Debian's Chromium and Firefox headless through puppeteer-core, each in a process and a profile of its own.
import { readdirSync, readFileSync } from 'node:fs';
import puppeteer from 'puppeteer-core';

const VIEWPORT = { width: 1280, height: 800 };

// --disable-quic … --disable-sync: nothing may leave this machine. --allow-loopback-in-peer-connection: the gate listens on 127.0.0.1.
const CHROMIUM_FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
];

const FIREFOX_QUIET = {
  'app.normandy.enabled': false, 'app.update.disabledForTesting': true, 'browser.safebrowsing.downloads.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false, 'extensions.getAddons.cache.enabled': false,
  'media.gmp-manager.updateEnabled': false, 'media.gmp-provider.enabled': false, 'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false, 'services.settings.server': 'data:,', 'toolkit.telemetry.enabled': false,
};
const FIREFOX_MEDIA = { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.autoplay.default': 0 };
const FIREFOX_LOOPBACK = { 'media.peerconnection.ice.loopback': true, 'media.peerconnection.ice.obfuscate_host_addresses': false };

/**
 * kind: 'chromium' or 'firefox'. options.stock: Firefox keeps its own ICE preferences (for tests between network namespaces).
 * The browser is the caller's to close; browser.process().pid is its own main process.
 */
export async function launch(kind, { stock = false } = {}) {
  const common = { headless: true, defaultViewport: VIEWPORT, acceptInsecureCerts: true, protocolTimeout: 60_000, timeout: 60_000 };
  if (kind === 'chromium')
    return puppeteer.launch({ ...common, browser: 'chrome', executablePath: '/usr/bin/chromium', args: CHROMIUM_FLAGS });
  if (kind === 'firefox')
    return puppeteer.launch({
      ...common, browser: 'firefox', executablePath: '/usr/bin/firefox-esr',
      extraPrefsFirefox: { ...FIREFOX_QUIET, ...FIREFOX_MEDIA, ...(stock ? {} : FIREFOX_LOOPBACK) },
    });
  throw new Error(`no browser is called ${kind}`);
}

/** The process and all below it. */
function family(pid) {
  const parents = new Map();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      continue; // ended meanwhile
    }
  }
  const found = [pid];
  for (let i = 0; i < found.length; i++) for (const [child, parent] of parents) if (parent === found[i]) found.push(child);
  return found;
}

/** Every process of this browser stands still, until it thaws. */
export const freeze = (browser) => family(browser.process().pid).forEach((pid) => process.kill(pid, 'SIGSTOP'));
export const thaw = (browser) => family(browser.process().pid).reverse().forEach((pid) => process.kill(pid, 'SIGCONT'));

/** 'chromium-firefox' → ['chromium', 'firefox']; from RECGATE_BROWSERS, so that every scenario runs for every pair. */
export function pair(text = process.env.RECGATE_BROWSERS ?? 'chromium-firefox') {
  const kinds = text.split('-');
  if (kinds.length !== 2 || !kinds.every((kind) => ['chromium', 'firefox'].includes(kind))) throw new Error(`RECGATE_BROWSERS=${text}?`);
  return kinds;
}
