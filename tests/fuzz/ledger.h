/* SPDX-License-Identifier: Apache-2.0 */
/* The key of the log that the ledger's fuzz targets speak of; its seed is 32 zeros, so that a corpus can hold what it signed. */
#ifndef RECGATE_FUZZ_LEDGER_H
#define RECGATE_FUZZ_LEDGER_H

#define FUZZ_LEDGER_KEY      "PRIVATE+KEY+log.test/fuzz+436af1c5+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define FUZZ_LEDGER_VERIFIER "log.test/fuzz+436af1c5+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"

#endif
