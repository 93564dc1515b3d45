// SPDX-License-Identifier: Apache-2.0
// The same words as strings-en.js, in Spanish.

import { reportEs } from './report-words.js';

export const es = {
  ...reportEs,
  locale: 'es',

  // The letter
  headings: {
    purpose: 'Para qué es', use: 'Cómo se usará', storage: 'Cómo se guarda y se protege', access: 'Quién puede acceder',
    third_parties: 'Quién más la recibe', retention_s: 'Cuánto tiempo se conserva', on_withdrawal: 'Qué borra la retirada', statements: 'Qué más debe saber',
    controller: 'Quién es responsable', contact: 'A quién dirigirse', requested_at: 'Solicitada el', session: 'Llamada', language: 'Idioma de este texto',
  },
  purposes: { 'personal-review': 'Repaso personal', education: 'Formación', documentation: 'Documentación', other: 'Otro' },
  nobody: 'Nadie más.',
  keptFor: (duration) => `${duration}; después se borra por sí misma.`,
  onWithdrawal: {
    session: 'Toda la grabación, de todas las personas.',
    participant: 'Lo que envió la persona que se retira. Su voz puede quedar en las pistas de otras personas.',
    after: 'Nada de lo conservado antes; la grabación termina en ese momento.',
  },
  units: { hours: ['hora', 'horas'], days: ['día', 'días'], weeks: ['semana', 'semanas'], months: ['mes', 'meses'], years: ['año', 'años'] },
  seconds: (n) => `${n} segundos`,
  errors: {
    bad_signature: 'Su respuesta se firmó para otra conexión, así que no cuenta. Responda otra vez, por favor.',
    no_receipt: 'Su respuesta aún no se pudo escribir en el registro: por ahora no hay recibo, y no se graba nada hasta que se escriba. Se vuelve a intentar sin que usted haga nada.',
  },
};
