// SPDX-License-Identifier: Apache-2.0
// Every word of the auditor's page.

import { en } from './audit-strings-en.js';
import { es } from './audit-strings-es.js';
import { inLanguage } from './language.js';

export const words = inLanguage({ en, es });
