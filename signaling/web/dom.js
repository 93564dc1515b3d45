// SPDX-License-Identifier: Apache-2.0
// The few lines of DOM that the page's modules share.

/** @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text, never markup. */
export function el(name, properties = {}, ...children) {
  const { dataset, ...rest } = properties;
  const element = Object.assign(document.createElement(name), rest);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

export function show(id, visible) {
  $(id).hidden = !visible;
}

/** Writes only what differs, so that a screen reader's place and a selection stay where they are. */
export function write(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

/** A letter's sections as terms and their lines; what is in the asker's language says so, for those who hear it. */
export function letterElements(sections) {
  return sections.flatMap(({ heading, lines, lang = '' }) => [
    el('dt', {}, heading),
    ...lines.map((line) => el('dd', lang === '' ? {} : { lang }, line)),
  ]);
}
