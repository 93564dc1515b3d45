// SPDX-License-Identifier: Apache-2.0
// The page's one classic script, before all others: a module or a style lost on the way (a phone that changes networks) would leave the
// page blank for ever. The page is loaded again by itself, a few times and ever later; then it says so, and leaves it to the person.

(() => {
  const KEY = 'recgate.loaded-again';
  const PAUSES_MS = [300, 1000, 3000, 5000];
  let lost = false;

  /** @param {string} text @param {string} lang */
  const line = (text, lang) => Object.assign(document.createElement('p'), { textContent: text, lang });

  function tell() {
    const card = Object.assign(document.createElement('section'), { className: 'card', id: 'lost' });
    card.setAttribute('role', 'alert');
    const again = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Load again · Cargar de nuevo' });
    again.addEventListener('click', () => location.reload());
    card.append(
      line('Part of this page did not arrive. Check your connection and load it again.', 'en'),
      line('Una parte de esta página no ha llegado. Compruebe su conexión y vuelva a cargarla.', 'es'),
      again,
    );
    (document.querySelector('main') ?? document.body).prepend(card);
  }

  /** How often this tab loaded it again; where nothing can be remembered, as often as it may, or it would never end. */
  function timesSoFar() {
    try {
      return Number(sessionStorage.getItem(KEY) ?? 0);
    } catch {
      return PAUSES_MS.length;
    }
  }

  /** @param {number} times */
  function remember(times) {
    try {
      if (times > 0) sessionStorage.setItem(KEY, String(times));
      else sessionStorage.removeItem(KEY);
    } catch {
      // timesSoFar says so, too
    }
  }

  /** @param {Event} event */
  function partLost({ target }) {
    const address = target instanceof HTMLScriptElement ? target.src : target instanceof HTMLLinkElement ? target.href : '';
    if (lost || !address.startsWith(`${location.origin}/`)) return; // a browser's extension puts scripts of its own in, and they may fail
    lost = true;
    const times = timesSoFar();
    if (times >= PAUSES_MS.length) addEventListener('load', tell);
    else setTimeout(() => location.reload(), PAUSES_MS[times]);
    remember(times + 1);
  }

  // `error` on an element does not bubble, but is seen on the way down. Once all is there, nothing may take the page, and a call in it, away.
  addEventListener('error', partLost, true);
  addEventListener('load', () => {
    removeEventListener('error', partLost, true);
    if (!lost) remember(0);
  });
})();
