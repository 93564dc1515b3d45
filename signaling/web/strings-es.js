// SPDX-License-Identifier: Apache-2.0
// The same words as strings-en.js, in Spanish.

import { reportEs } from './report-words.js';

export const es = {
  ...reportEs,
  locale: 'es',
};
