// SPDX-License-Identifier: Apache-2.0
// Withdrawing without a socket: after leaving, after the call, with a token of the same person or with the keys of their receipts (R6, R24).

/** What the gate, or this client in its place, refused. `code` is stable; `message` is a sentence for a person. */
export class RecgateError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = 'RecgateError';
    this.code = code;
  }
}

export const WITHDRAW_REPEAT_MS = 2000;
/** A gate whose storage refuses holds its answer back: asked again then, by a fresh connection. */
const ATTEMPT_MS = 15000;

/** Answers to a withdrawal that repeating it cannot change (R6: everything else is repeated). */
export const WITHDRAW_ENDS = new Set(['bad_scope', 'bad_token', 'no_token', 'not_joined', 'token_expired', 'unknown_key', 'unknown_participant', 'wrong_role']);

/** The token is of no use any more; a key has no date. */
const TOKEN_REFUSED = new Set(['bad_token', 'no_token', 'token_expired']);

/**
 * Withdraws with the key that came with the receipt, without a session, a token or a call (R24).
 * @param {{url?: string | URL, withdraw_key: string, scope?: string}} options url: any address of the gate; default the page's own
 */
export function withdrawWithKey({ url = location.href, withdraw_key: key, scope }) {
  return post(new URL('/v1/withdraw', url), { withdraw_key: key, ...(scope && { scope }) });
}

/**
 * What a withdrawal would erase, erasing nothing.
 * @param {{url?: string | URL, withdraw_key?: string, token?: string}} holder of a key, or of a token of the same person
 */
export function previewWithdrawal({ url = location.href, withdraw_key: key, token }) {
  return post(new URL('/v1/withdraw/preview', url), { ...(key && { withdraw_key: key }) }, key ? undefined : token, ATTEMPT_MS);
}

/**
 * Repeated until the gate acknowledges that the erase is durable (R6, R13); rejects only for what repeating cannot change.
 * @param {{url?: string | URL, withdraw_key?: string, token?: string, scope?: string, told?: (error: Error, times: number) => void}} holder
 */
export async function withdrawUntilDone({ url = location.href, withdraw_key: key, token, scope, told = () => {} }) {
  const body = { ...(key && { withdraw_key: key }), ...(scope && { scope }) };
  for (let times = 1; ; times += 1) {
    try {
      return await post(new URL('/v1/withdraw', url), body, key ? undefined : token, ATTEMPT_MS);
    } catch (error) {
      if (WITHDRAW_ENDS.has(error.code)) throw error;
      told(error, times);
    }
    await new Promise((resolve) => setTimeout(resolve, WITHDRAW_REPEAT_MS));
  }
}

/**
 * By the token; where that is refused, by every key there is.
 * @param {{url: URL, token: string, keys: Record<string, string>, request?: string, scope?: string}} options keys by request
 */
export async function withdrawByHttp({ url, token, keys, request, scope }) {
  const fitting = request === undefined ? Object.values(keys) : [keys[request]].filter(Boolean);
  try {
    return await post(url, { ...(request && { request }), ...(scope && { scope }) }, token);
  } catch (error) {
    if (!TOKEN_REFUSED.has(error.code) || fitting.length === 0) throw error;
  }
  const done = [];
  for (const key of fitting) done.push(await withdrawWithKey({ url, withdraw_key: key, scope }));
  return done.reduce(together);
}

function together(one, other) {
  return {
    ...other,
    purged: { segments: one.purged.segments + other.purged.segments, bytes: one.purged.bytes + other.purged.bytes },
    exports: [...one.exports, ...other.exports],
    receipts: [...(one.receipts ?? [one.receipt]), other.receipt].filter(Boolean),
    gate_closed_us: Math.max(one.gate_closed_us, other.gate_closed_us),
    erased_us: Math.max(one.erased_us, other.erased_us),
  };
}

async function post(url, body, token, withinMs) {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), keepalive: true, ...(withinMs && { signal: AbortSignal.timeout(withinMs) }) });
  const answer = await response.json();
  if (!response.ok) throw new RecgateError(answer.code, answer.message);
  return answer;
}
