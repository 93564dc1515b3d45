/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/letter-words.h"

#include <string.h>

const char *const letter_purposes[LETTER_PURPOSES + 1] = {"personal-review", "education", "documentation", "other", NULL};

static const LetterWords words[] = {
    {.language = "en",
     .purposes = {"personal review", "education", "documentation", "another purpose"},
     .withdrawing = "Anyone may withdraw at any time, without a reason, during the call and after it. Then ",
     .withdrawing_more = ". The person who withdraws may always ask that everything of the session is erased, for everyone.",
     .scopes = {[CONSENT_SCOPE_SESSION] = "everything that was recorded of everyone in this session is erased",
                [CONSENT_SCOPE_PARTICIPANT] =
                    "everything that was recorded of the person who withdraws is erased; what others' microphones "
                    "and screens picked up of them stays",
                [CONSENT_SCOPE_AFTER] =
                    "nothing more is recorded; what was kept before the withdrawal stays, unless that person asks for its erasure"},
     .hold = "A withdrawal beats any hold or retention duty that is placed on this recording.",
     .echo = "Voices and faces also reach other people's tracks, by echo and by screen sharing.",
     .rights = "You may say no, without giving a reason. Nothing is recorded unless everyone agrees, and a no is final for this session.\n"
               "If you agree, you can withdraw at any time: before, during and after the call. One step is enough: the Withdraw button, "
               "your personal link, or the withdrawal key that comes with your receipt.",
     .nobody = "nobody",
     .units = {{"year", "years"}, {"day", "days"}, {"hour", "hours"}, {"minute", "minutes"}, {"second", "seconds"}}},
    {.language = "es",
     .purposes = {"revisión personal", "formación", "documentación", "otra finalidad"},
     .withdrawing = "Cualquier persona puede retirar su consentimiento en cualquier momento, sin dar razones, durante la llamada y después "
                    "de ella. Entonces ",
     .withdrawing_more = ". Quien retira su consentimiento siempre puede pedir que se borre todo lo grabado en la sesión, de todas las "
                         "personas.",
     .scopes = {[CONSENT_SCOPE_SESSION] = "se borra todo lo que se grabó de todas las personas en esta sesión",
                [CONSENT_SCOPE_PARTICIPANT] =
                    "se borra todo lo que se grabó de la persona que lo retira; permanece lo que captaron de ella "
                    "los micrófonos y las pantallas de otras personas",
                [CONSENT_SCOPE_AFTER] =
                    "no se graba nada más; lo que se conservó antes permanece, salvo que esa persona pida que se borre"},
     .hold = "La retirada del consentimiento prevalece sobre cualquier obligación de conservar esta grabación.",
     .echo = "Las voces y las caras llegan también a las pistas de otras personas, por el eco y al compartir la pantalla.",
     .rights =
         "Puede decir que no, sin dar razones. No se graba nada si no están de acuerdo todas las personas, y un no es definitivo para "
         "esta sesión.\n"
         "Si acepta, puede retirar su consentimiento en cualquier momento: antes, durante y después de la llamada. Basta un paso: el "
         "botón Retirar, su enlace personal o la clave de retirada que acompaña a su recibo.",
     .nobody = "nadie",
     .units = {{"año", "años"}, {"día", "días"}, {"hora", "horas"}, {"minuto", "minutos"}, {"segundo", "segundos"}}},
};

char *letter_language(const char *tag) {
  return g_ascii_strdown(tag != NULL ? tag : "", tag != NULL ? (gssize)strcspn(tag, "-_") : 0);
}

const LetterWords *letter_words(const char *tag, gboolean *known) {
  g_autofree char *language = letter_language(tag);
  const LetterWords *found = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(words) && found == NULL; i++)
    if (g_str_equal(words[i].language, language))
      found = &words[i];
  if (known != NULL)
    *known = found != NULL;
  return found != NULL ? found : &words[0];
}
