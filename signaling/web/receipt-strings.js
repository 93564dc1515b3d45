// SPDX-License-Identifier: Apache-2.0
// Every word about receipts and about withdrawing after the call; the letter's own words are in strings.js.

import { inLanguage } from './language.js';
import { en } from './receipt-strings-en.js';
import { es } from './receipt-strings-es.js';

export const words = inLanguage({ en, es });
