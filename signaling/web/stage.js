// SPDX-License-Identifier: Apache-2.0
// The other people's pictures and voices, and one's own picture.

import { $, el, show } from './dom.js';
import { strings } from './strings.js';

const LOOK_MS = 1000;

export class Stage {
  #tiles = new Map();

  /** @param {(id: string) => RTCPeerConnection | undefined} connectionTo */
  constructor(connectionTo) {
    setInterval(() => { for (const [id, tile] of this.#tiles) look(tile, connectionTo(id)); }, LOOK_MS);
  }

  /** Ids of those who have a tile. */
  get people() {
    return [...this.#tiles.keys()];
  }

  /** One tile for each of these participants. */
  showPeople(participants) {
    const ids = new Set(participants.map(({ id }) => id));
    for (const [id, tile] of this.#tiles) {
      if (ids.has(id)) continue;
      tile.remove();
      this.#tiles.delete(id);
    }
    for (const { id, name } of participants) if (!this.#tiles.has(id)) this.#add(id, name);
    show('alone', participants.length === 0);
    $('others').dataset.count = participants.length;
  }

  play(id, stream) {
    const video = this.#tiles.get(id)?.querySelector('video');
    if (!video || video.srcObject === stream) return;
    video.srcObject = stream;
    video.play().catch(() => { video.controls = true; });
  }

  /** @param {string} state of the connection to that participant */
  showConnection(id, state) {
    const note = this.#tiles.get(id)?.querySelector('.note');
    if (!note) return;
    note.dataset.text = state === 'connected' ? 'noPicture' : 'connecting';
    note.textContent = strings[note.dataset.text];
  }

  showSelf(track) {
    $('self-video').srcObject = track && new MediaStream([track]);
    show('self-view', track !== null);
  }

  #add(id, name) {
    const video = el('video', { autoplay: true, playsInline: true });
    const tile = el('li', { className: 'tile', dataset: { id, picture: 'no' } }, video, el('p', { className: 'note', dataset: { text: 'connecting' } }, strings.connecting), el('p', { className: 'name' }, name));
    video.setAttribute('aria-label', name);
    this.#tiles.set(id, tile);
    $('others').append(tile);
  }
}

/** A camera that is off sends nothing, and no event tells; a still frame would look like a person who sits still. */
async function look(tile, connection) {
  const reports = connection ? [...(await connection.getStats()).values()] : [];
  const video = reports.find((report) => report.type === 'inbound-rtp' && report.kind === 'video');
  const frames = video?.framesReceived ?? 0;
  tile.dataset.picture = frames === Number(tile.dataset.frames ?? 0) ? 'no' : 'yes';
  tile.dataset.frames = frames;
}
