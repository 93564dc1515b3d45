// SPDX-License-Identifier: Apache-2.0
// The token: from the fragment, which no server and no log ever sees, into this tab's storage, so that a reload works.

/**
 * @param {string} name under which this page keeps its token: a call and an audit may follow each other in one tab
 * @returns {string | null}
 */
export function readToken(name = 'recgate.token') {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    // Another person's receipts are not this one's to see.
    if (given !== sessionStorage.getItem(name)) sessionStorage.clear();
    sessionStorage.setItem(name, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(name);
}

/** What the token says of its bearer, to greet them by; the gate alone decides whether it is true. */
export function tokenClaims(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}
