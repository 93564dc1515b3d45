/* SPDX-License-Identifier: Apache-2.0 */
/* A second, deliberately naive consent core to compare the real one with. Same door, same effects in the same order.
 *
 * It keeps no state but a log of facts, and answers every question ("has she granted?") by reading the log again.
 * Written from CONSENT.md; it shares nothing with gate/consent but the types of consent.h. */
#ifndef RECGATE_TESTS_MODEL_H
#define RECGATE_TESTS_MODEL_H

#include "gate/consent/consent.h"

typedef struct Model Model;

Model *model_new(void);
void model_free(Model *model);
/* Forgets everything; config is copied. */
void model_reset(Model *model, const ConsentConfig *config);

ConsentResult model_handle(Model *model, const ConsentEvent *event, int64_t now_us, ConsentEffects *effects);
uint64_t model_next_number(Model *model, ConsentPerson person, int64_t now_us);
int64_t model_next_deadline_us(const Model *model);
ConsentView model_view(const Model *model);
ConsentPersonView model_person_view(const Model *model, ConsentPerson person, int64_t now_us);

#endif
