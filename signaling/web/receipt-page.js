// SPDX-License-Identifier: Apache-2.0
// The page to print: receipts of this tab's call, or of a file opened here (R24). Nothing leaves the browser.

import { letterSections } from './disclosure.js';
import { $, el, letterElements, show, write } from './dom.js';
import { disclosureIn, fileOf, openFile } from './receipt-file.js';
import { words } from './receipt-strings.js';
import { strings } from './strings.js';
import { sizeWords, timeWords } from './units.js';

const STORE = 'recgate.receipts';
const withdrawAt = new URL('/withdraw', location.href).href;

function fromThisTab() {
  const entries = JSON.parse(sessionStorage.getItem(STORE) ?? '[]').filter(({ receipt }) => receipt?.events);
  const keys = fileOf(entries, withdrawAt).withdraw_keys;
  return { receipts: entries.map(({ receipt }) => receipt), keys };
}

const stateOf = ({ events }) => events[0]?.event_state;
const known = (table, state) => table[state] ?? table.unknown;

function whatWords(receipt) {
  const state = stateOf(receipt);
  if (state === 'granted' && receipt.media === 'audio') return words.whatIs.grantedAudio;
  if (state === 'granted' && receipt.media === 'video') return words.whatIs.grantedVideo;
  return known(words.whatIs, state);
}

const row = (heading, ...lines) => letterElements([{ heading, lines }]);

function factRows(receipt) {
  const { session, pii_principal_id: who, events, pii_controllers: controllers, erased } = receipt;
  return [
    ...row(words.who, words.whoIs(who, session)),
    ...row(words.when, timeWords(events[0]?.event_time)),
    ...row(words.what, whatWords(receipt)),
    ...(erased ? row(words.erased, words.doneErased(erased.segments, sizeWords(erased.bytes))) : []),
    ...(controllers ? row(words.responsible, ...controllers.map(({ name, contact }) => `${name}, ${contact}`)) : []),
  ];
}

function textPart(receipt) {
  const disclosure = disclosureIn(receipt);
  if (!disclosure) return [];
  return [el('h3', {}, known(words.textTitles, stateOf(receipt))), el('dl', {}, ...letterElements(letterSections(disclosure)))];
}

function withdrawPart(receipt) {
  if (stateOf(receipt) !== 'granted') return [];
  const scope = disclosureIn(receipt)?.on_withdrawal;
  return [
    el('h3', {}, words.howTo), el('p', {}, words.howToText(withdrawAt)),
    el('h3', {}, words.whatErases), el('p', {}, strings.onWithdrawal[scope] ?? words.willErase.unknown), el('p', {}, words.always),
  ];
}

function proofPart({ record_id: record, ledger, signature, privacy_notice_sha256: hash, participant_signature: own, legs_checked: legs, events }) {
  const names = words.proofRows;
  const rows = { record, entry: ledger?.index, hash, key: signature?.key, value: signature?.value, leaf: ledger?.leaf, tree: ledger?.proof };
  const small = el('div', { className: 'proof' }, el('h3', {}, words.proof), el('p', {}, words.proofText));
  if (events[0]?.event_state === 'granted') small.append(el('p', {}, !own ? words.ownNo : legs > 0 ? words.ownYes : words.ownUntied));
  small.append(el('dl', {}, ...Object.keys(rows).filter((key) => rows[key] !== undefined).flatMap((key) => row(names[key], String(rows[key])))));
  return small;
}

function receiptCard(receipt) {
  return el('article', { className: 'card receipt' }, el('h2', {}, known(words.titles, stateOf(receipt))), el('dl', {}, ...factRows(receipt)),
    ...textPart(receipt), ...withdrawPart(receipt), proofPart(receipt));
}

function keysCard(keys) {
  if (keys.length === 0) return [];
  const rows = keys.flatMap(({ session, withdraw_key: key }) => [el('h3', {}, words.keyOf(session ?? '?')), el('p', { className: 'secret' }, key)]);
  return [el('section', { className: 'card keys' }, el('h2', {}, words.keyTitle), el('p', {}, words.keyText), ...rows, el('p', {}, words.howToText(withdrawAt)))];
}

function draw({ receipts, keys }) {
  show('none', receipts.length === 0);
  show('print', receipts.length > 0);
  show('download', receipts.length > 0);
  $('receipts').replaceChildren(...receipts.map(receiptCard));
  $('keys').replaceChildren(...keysCard(keys));
  const file = { ...fileOf(receipts.map((receipt) => ({ receipt })), withdrawAt), withdraw_keys: keys };
  URL.revokeObjectURL($('download').href);
  $('download').href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 2)], { type: 'application/json' }));
  $('download').download = 'recgate-receipt.json';
}

for (const element of document.querySelectorAll('[data-text]')) element.textContent = words[element.dataset.text];
document.title = words.receiptPageTitle;
$('print').addEventListener('click', () => print());
$('file').addEventListener('change', async () => {
  const opened = await openFile($('file').files[0]);
  write('problem', opened.receipts.length === 0 ? words.notAFile : '');
  if (opened.receipts.length > 0) draw(opened);
  $('file').value = '';
});
draw(fromThisTab());
