// SPDX-License-Identifier: Apache-2.0
// Every word of the letter's page.

import { en } from './consent-strings-en.js';
import { es } from './consent-strings-es.js';
import { inLanguage } from './language.js';

export const words = inLanguage({ en, es });
