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

  // `error` on an element does not bubble, but is seen on the way down.
  addEventListener('error', ({ target }) => {
    if (lost || !(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement)) return;
    lost = true;
    const times = Number(sessionStorage.getItem(KEY) ?? 0);
    if (times >= PAUSES_MS.length) addEventListener('load', tell);
    else setTimeout(() => location.reload(), PAUSES_MS[times]);
    sessionStorage.setItem(KEY, String(times + 1));
  }, true);

  addEventListener('load', () => {
    if (!lost) sessionStorage.removeItem(KEY);
  });
})();
