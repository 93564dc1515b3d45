// SPDX-License-Identifier: Apache-2.0
// The same words as strings-en.js, in Spanish.

export const es = {
  locale: 'es',
};
