// SPDX-License-Identifier: Apache-2.0
// The same words as audit-strings-en.js, in Spanish.

export const es = {};
