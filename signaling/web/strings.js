// SPDX-License-Identifier: Apache-2.0
// Every word of the call page. Static ones are put where index.html says data-text; the others take what they speak of.

import { inLanguage } from './language.js';
import { en } from './strings-en.js';
import { es } from './strings-es.js';

export const strings = inLanguage({ en, es });
