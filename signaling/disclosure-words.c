/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/disclosure-words.h"

#include <string.h>

static const DisclosureWords ENGLISH = {
    .withdrawing = "Anyone may withdraw at any time, without a reason, during the call and after it. Then",
    .erases =
        {
            [CONSENT_SCOPE_SESSION] = "everything that was recorded of everyone in this session is erased",
            [CONSENT_SCOPE_PARTICIPANT] =
                "everything that was recorded of the person who withdraws is erased; what others' microphones and "
                "screens picked up of them stays",
            [CONSENT_SCOPE_AFTER] =
                "nothing more is recorded; what was kept before the withdrawal stays, unless that person asks for its erasure",
        },
    .asking_more = "The person who withdraws may always ask that everything of the session is erased, for everyone.",
    .statements = {"A withdrawal beats any hold or retention duty that is placed on this recording.",
                   "Voices and faces also reach other people's tracks, by echo and by screen sharing."},
};

static const DisclosureWords SPANISH = {
    .withdrawing =
        "Cualquier persona puede retirar su consentimiento en cualquier momento, sin dar motivos, durante la llamada y después de "
        "ella. En ese caso",
    .erases =
        {
            [CONSENT_SCOPE_SESSION] = "se borra todo lo que se haya grabado de todas las personas en esta sesión",
            [CONSENT_SCOPE_PARTICIPANT] =
                "se borra todo lo que se haya grabado de la persona que retira su consentimiento; permanece lo que "
                "hayan captado de ella los micrófonos y las pantallas de otras personas",
            [CONSENT_SCOPE_AFTER] =
                "no se graba nada más; lo conservado antes de la retirada permanece, a menos que esa persona pida que se borre",
        },
    .asking_more = "La persona que retira su consentimiento siempre puede pedir que se borre todo lo de la sesión, de todas las personas.",
    .statements = {"La retirada del consentimiento prevalece sobre cualquier bloqueo o deber de conservación que afecte a esta grabación.",
                   "Las voces y las caras también llegan a las pistas de otras personas, por eco y al compartir la pantalla."},
};

const DisclosureWords *disclosure_words(const char *language) {
  gboolean spanish = language != NULL && g_ascii_strncasecmp(language, "es", 2) == 0 && strchr("-", language[2]) != NULL;
  return spanish ? &SPANISH : &ENGLISH;
}
