// SPDX-License-Identifier: Apache-2.0
// The file with a person's receipts, as the pages offer it and read it again. Pure. `recgatectl receipt FILE` checks the same file.

/**
 * The keys stand beside the receipts, so that a receipt can be shown around by itself (R24).
 * @param {{receipt: object, request?: string, withdraw_key?: string}[]} entries
 * @param {string} withdrawAt address of the page that withdraws
 */
export function fileOf(entries, withdrawAt) {
  const withdraw_keys = entries.filter((entry) => entry.withdraw_key)
    .map(({ receipt, request, withdraw_key }) => ({ session: receipt?.session, request: request ?? receipt?.request, withdraw_key }));
  return {
    about: 'Receipts prove what was answered and may be shown around. A withdraw_key erases: keep it as you keep a password, and take it out before you pass this file on.',
    withdraw_at: withdrawAt,
    withdraw_keys,
    receipts: entries.map(({ receipt }) => receipt).filter(Boolean),
  };
}

const isReceipt = (value) => typeof value === 'object' && value !== null && typeof value.schema_version === 'string' && Array.isArray(value.events);

/**
 * What a file holds: one receipt, a list of them, or a file of `fileOf`.
 * @param {unknown} file parsed JSON
 * @returns {{receipts: object[], keys: {session?: string, request?: string, withdraw_key: string}[]}}
 */
export function readFile(file) {
  const list = Array.isArray(file) ? file : file?.receipts ?? [file];
  const entries = Array.isArray(list) ? list : [];
  const receipts = entries.map((entry) => entry?.receipt ?? entry).filter(isReceipt);
  const beside = entries.filter((entry) => typeof entry?.withdraw_key === 'string')
    .map(({ receipt, request, withdraw_key }) => ({ session: receipt?.session, request: request ?? receipt?.request, withdraw_key }));
  const named = (Array.isArray(file?.withdraw_keys) ? file.withdraw_keys : []).filter((entry) => typeof entry?.withdraw_key === 'string');
  return { receipts, keys: [...named, ...beside] };
}

/** The disclosure in a receipt; null where it has none. */
export function disclosureIn(receipt) {
  try {
    const disclosure = JSON.parse(receipt.privacy_notice);
    return typeof disclosure === 'object' ? disclosure : null;
  } catch {
    return null;
  }
}

/** What a person saved on their device, opened in this page and sent nowhere. @param {File} file */
export async function openFile(file) {
  try {
    return readFile(JSON.parse(await file.text()));
  } catch {
    return { receipts: [], keys: [] };
  }
}
