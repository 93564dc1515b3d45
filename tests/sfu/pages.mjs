// SPDX-License-Identifier: Apache-2.0
// Blank pages with a camera, and one PeerConnection each, whose descriptions a test carries where it likes.
import { createServer } from 'node:http';
import { launch } from '../browser/browsers.mjs';
import { until } from '../integration/daemon.mjs';

export class Pages {
  /** kind: of browser. */
  static async start(kind = 'chromium') {
    const pages = new Pages();
    pages.http = createServer((request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>'));
    await new Promise((resolve) => pages.http.listen(0, '127.0.0.1', resolve));
    pages.browser = await launch(kind);
    return pages;
  }

  async open() {
    const page = await (await this.browser.createBrowserContext()).newPage();
    await page.goto(`http://127.0.0.1:${this.http.address().port}/`);
    await page.evaluate(async () => {
      window.pc = new RTCPeerConnection();
      window.stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
      window.pc.ontrack = ({ track }) => { // what is not shown is not decoded
        const element = Object.assign(document.createElement(track.kind), { autoplay: true, muted: true, srcObject: new MediaStream([track]) });
        document.body.append(element);
      };
    });
    return new Page(page);
  }

  async end() {
    await this.browser?.close();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

class Page {
  constructor(page) { this.page = page; }

  offer(options = {}) {
    return this.page.evaluate(async (given) => {
      if (!window.pc.getSenders().length) for (const track of window.stream.getTracks()) window.pc.addTrack(track, window.stream);
      await window.pc.setLocalDescription(await window.pc.createOffer(given));
      return window.pc.localDescription.toJSON();
    }, options);
  }

  answer(offer) {
    return this.page.evaluate(async (description) => {
      await window.pc.setRemoteDescription(description);
      if (!window.pc.getSenders().some(({ track }) => track)) for (const track of window.stream.getTracks()) window.pc.addTrack(track, window.stream);
      await window.pc.setLocalDescription();
      return window.pc.localDescription.toJSON();
    }, offer);
  }

  accept(answer) { return this.page.evaluate((description) => window.pc.setRemoteDescription(description), answer); }
  state() { return this.page.evaluate(() => window.pc.connectionState); }
  frames() {
    return this.page.evaluate(async () => {
      let frames = 0;
      for (const one of (await window.pc.getStats()).values()) if (one.type === 'inbound-rtp' && one.kind === 'video') frames += one.framesDecoded ?? 0;
      return frames;
    });
  }

  /** Until it sees something new. */
  async sees(what, ms = 15_000) {
    const before = await this.frames();
    await until(async () => (await this.frames()) > before + 5, `${what} (${await this.state()})`, ms);
  }
}
