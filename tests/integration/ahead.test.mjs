// SPDX-License-Identifier: Apache-2.0
// Written consent before the call (R5): planned over HTTP, answered by personal link, standing when people join, and across restarts (R3, R4, R6).
import assert from 'node:assert/strict';
import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, DISCLOSURE } from './client.mjs';
import { Daemon, forge, scratch, sleep, SLOW, until } from './daemon.mjs';

const CONFIG = {
  'consent.lease_ms': 1000 * SLOW, 'consent.heartbeat_ms': 200, 'consent.absent_ms': 2500 * SLOW,
  'controller.name': 'Practice Example', 'controller.contact': 'privacy@practice.example',
};
const PEOPLE = [{ id: 'anna', name: 'Anna', role: 'expert' }, { id: 'ben', name: 'Ben', role: 'client' }];
const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

let place, daemon;
let sessions = 0;
const fresh = () => `ahead-${++sessions}`;

before(async () => {
  place = scratch();
  daemon = await Daemon.start({ place, config: CONFIG });
});
after(async () => {
  await daemon.end();
  place.remove();
});

async function restart(signal) {
  await daemon.stop(signal);
  daemon = await Daemon.start({ place, config: CONFIG });
}

const service = () => daemon.token('any', 'platform', 'service', { name: 'Clinic Platform' });
const body = (session, change = {}) => ({
  session, participants: PEOPLE, starts: at(30), ends: at(3600), request: { disclosure: { ...DISCLOSURE } }, ...change,
});
const tokenOf = (link) => link.split('#token=')[1];

/** A planned session: {session, plan, letter: {anna, ben}: tokens of their letters, call: of their calls}. */
async function planned(change, session = fresh()) {
  const { status, json } = await daemon.post('/v1/sessions', service(), body(session, change));
  assert.equal(status, 201, JSON.stringify(json));
  const by = (field) => Object.fromEntries(json.participants.map((one) => [one.id, tokenOf(one[field])]));
  return { session, plan: json, letter: by('consent_link'), call: by('call_link') };
}

const read = async (token) => (await daemon.get('/v1/consent', token)).json;
const answer = (call, who, decision, more = {}) =>
  daemon.post('/v1/consent', call.letter[who], { request: call.plan.request, disclosure_sha256: call.plan.disclosure_sha256, decision, ...more });

async function agree(call, who, more) {
  const { status, json } = await answer(call, who, 'grant', more);
  assert.equal(status, 200, JSON.stringify(json));
  return json;
}

const join = (call, who) => Client.join(daemon, call.session, who, '', { token: call.call[who] });
async function refusedToJoin(call, who, code, token = call.call[who]) {
  const client = await Client.open(daemon);
  const refusal = await client.request({ type: 'join', token });
  client.close();
  assert.equal(refusal.code, code, JSON.stringify(refusal));
  return refusal;
}

function segmentFiles() {
  const dir = path.join(daemon.data, 'segments');
  return existsSync(dir) ? readdirSync(dir, { recursive: true }) : [];
}
const states = (client) => client.log.flatMap((message) => (message.type === 'joined' ? message.recording : message.type === 'recording.state' ? message : []));
const opened = (client) => states(client).some(({ state }) => state === 'recording');
/** Who joins an open gate is told so with `joined`. */
const recording = (client) => client.expect(() => opened(client), 'an open gate');

describe('planning', () => {
  test('a session ahead of time has one letter and one call link a person', async () => {
    const { session, plan } = await planned();
    assert.match(plan.request, /^\d+$/);
    assert.match(plan.disclosure_sha256, /^[0-9a-f]{64}$/);
    assert.equal(Date.parse(plan.starts) - Date.parse(plan.opens), 120_000);
    assert.equal(Date.parse(plan.closes) - Date.parse(plan.ends), 600_000);
    assert.deepEqual(plan.participants.map(({ id, name, role }) => ({ id, name, role })), PEOPLE);
    for (const one of plan.participants) {
      assert.match(one.consent_link, /^\/consent#token=[\w.-]+$/);
      assert.match(one.call_link, /^\/#token=[\w.-]+$/);
    }
    const { json } = await daemon.get(`/v1/sessions/${session}`, service());
    assert.deepEqual(json.plan.invited, PEOPLE);
    assert.equal(json.plan.starts, plan.starts);
    assert.equal(json.requests[0].asker, null, 'a service asked: nobody has agreed by that (R2)');
    assert.deepEqual(json.consents, []);
  });

  test('one session, one plan', async () => {
    const { session } = await planned();
    assert.equal((await daemon.post('/v1/sessions', service(), body(session))).json.code, 'session_exists');
    const used = fresh();
    const anna = await Client.join(daemon, used, 'anna', 'expert');
    const { status, json } = await daemon.post('/v1/sessions', service(), body(used));
    assert.deepEqual([status, json.code], [409, 'session_exists']);
    anna.close();
  });

  test('only a service plans', async () => {
    for (const role of ['expert', 'client', 'observer', 'auditor']) {
      const { status, json } = await daemon.post('/v1/sessions', daemon.token('x', 'anna', role), body(fresh()));
      assert.deepEqual([status, json.code], [403, 'wrong_role'], role);
    }
    assert.equal((await daemon.post('/v1/sessions', undefined, body(fresh()))).status, 401);
  });

  test('bad input is refused and names its field', async () => {
    const cases = {
      session: { session: '../x' },
      starts: { starts: 'tomorrow' },
      ends: { ends: at(-10) },
      participants: { participants: [] },
      'participants[1].id': { participants: [PEOPLE[0], { ...PEOPLE[1], id: 'anna' }] },
      'participants[0].id': { participants: [{ ...PEOPLE[0], id: 'no good' }] },
      'participants[0].name': { participants: [{ ...PEOPLE[0], name: 7 }] },
      'participants[1].role': { participants: [PEOPLE[0], { ...PEOPLE[1], role: 'auditor' }] },
      max_participants: { participants: [1, 2, 3, 4, 5].map((n) => ({ id: `p${n}`, name: 'P', role: 'client' })) },
      'request.disclosure': { request: undefined },
      'request.language': { request: { disclosure: DISCLOSURE, language: 'es' } },
      storage: { request: { disclosure: { ...DISCLOSURE, storage: undefined } } },
      retention_s: { request: { disclosure: { ...DISCLOSURE, retention_s: 0 } } },
      '24 hours': { ends: at(3 * 86_400) },
      '366 days': { starts: at(400 * 86_400), ends: at(400 * 86_400 + 60) },
    };
    for (const [word, change] of Object.entries(cases)) {
      const session = fresh();
      const { status, json } = await daemon.post('/v1/sessions', service(), body(session, change));
      assert.equal(status, 400, `${word}: ${JSON.stringify(json)}`);
      assert.ok(json.message.includes(word), `${word}: ${json.message}`);
      assert.equal((await daemon.get(`/v1/sessions/${session}`, service())).status, 404, 'nothing was planned');
    }
  });

  test('with a public key alone the platform makes the links', async () => {
    const here = scratch();
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = path.join(here.dir, 'key.pem');
    writeFileSync(pem, publicKey.export({ type: 'spki', format: 'pem' }));
    const mine = await Daemon.start({ place: here, before: ['sh', '-c', 'exec "$0" --data "$2" --listen "$4" --media "$6"'], config: { 'auth.public_key': pem } }).catch((error) => error);
    try {
      assert.ok(mine instanceof Daemon, String(mine));
      const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const text = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode({ aud: 'recgate', sid: 'x', sub: 'platform', role: 'service', exp: Math.floor(Date.now() / 1000) + 60 })}`;
      const token = `${text}.${createSign('SHA256').update(text).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
      const { status, json } = await mine.post('/v1/sessions', token, body('es256'));
      assert.equal(status, 201, JSON.stringify(json));
      assert.ok(json.participants.every((one) => !('consent_link' in one) && !('call_link' in one)));
      assert.match(json.links, /token/);
    } finally {
      await mine.end?.();
      here.remove();
    }
  });
});

describe('the letter', () => {
  test('it says everything, hashes to its hash, and shows one\'s own answer', async () => {
    const call = await planned();
    const letter = await read(call.letter.ben);
    assert.equal(letter.participant.name, 'Ben');
    assert.equal(letter.answer, 'none');
    assert.equal(letter.state, 'open');
    for (const word of ['Clinic Platform', 'Practice Example', 'privacy@practice.example', DISCLOSURE.use, DISCLOSURE.storage, 'Dr. Example', '1 day'])
      assert.ok(letter.message.includes(word), word);
    const sorted = (value) => (Array.isArray(value) ? value.map(sorted)
      : value && typeof value === 'object' ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])])) : value);
    assert.equal(createHash('sha256').update(JSON.stringify(sorted(letter.disclosure))).digest('hex'), letter.disclosure_sha256);
    await agree(call, 'ben');
    assert.equal((await read(call.letter.ben)).answer, 'granted');
    assert.equal((await read(call.letter.anna)).answer, 'none', 'nobody answers for another (fault 21)');
  });

  test('in Spanish where the disclosure is, the hashed statements too (R1)', async () => {
    const { language, ...disclosure } = DISCLOSURE;
    const call = await planned({ request: { disclosure, language: 'es' } });
    const letter = await read(call.letter.ben);
    assert.match(letter.message, /^Asunto: /);
    assert.ok(letter.message.includes('1 día') && letter.message.includes('Puede decir que no'), letter.message);
    assert.equal(letter.disclosure.language, 'es');
    assert.match(letter.disclosure.statements[0], /^Cualquier persona puede retirar/);
  });

  test('a platform brings its own template; one that leaves something out stops the start', async () => {
    const here = scratch();
    const usual = daemon;
    const config = { ...CONFIG, 'letter.template_dir': here.dir };
    const all = '{asker} {purpose} {use} {storage} {kept} {access} {third_parties} {rights} {statements} {controller} {contact}';
    try {
      writeFileSync(path.join(here.dir, 'letter.en.txt'), all.replace('{rights}', ''));
      const refused = await Daemon.start({ place: here, config }).catch((error) => error);
      assert.match(refused.message, /"code":2.*\nrecgate: .*letter\.en\.txt lacks \{rights\}/s);
      writeFileSync(path.join(here.dir, 'letter.en.txt'), `From our house to yours.\n${all}`);
      daemon = await Daemon.start({ place: here, config });
      const call = await planned();
      assert.match((await read(call.letter.ben)).message, /^From our house to yours\.\nClinic Platform education/);
      await daemon.end();
    } finally {
      daemon = usual;
      here.remove();
    }
  });

  test('who is not invited, or nobody asked, reads nothing', async () => {
    const call = await planned();
    const get = async (token) => { const { status, json } = await daemon.get('/v1/consent', token); return [status, json.code]; };
    assert.deepEqual(await get(daemon.token(call.session, 'carl', 'client')), [403, 'not_invited']);
    assert.deepEqual(await get(daemon.token(fresh(), 'ben', 'client')), [404, 'no_request']);
    assert.deepEqual(await get(daemon.token(call.session, 'ben', 'auditor')), [403, 'wrong_role']);
    assert.deepEqual(await get(), [401, 'no_token']);
  });

  test('an answer is bound to the text (R3) and well formed', async () => {
    const call = await planned();
    const cases = [
      [{ disclosure_sha256: '0'.repeat(64) }, 409, 'wrong_disclosure'], [{ disclosure_sha256: 'x' }, 400, 'bad_request'],
      [{ request: '1' }, 409, 'request_ended'], [{ request: undefined }, 400, 'bad_request'], [{ decision: 'maybe' }, 400, 'bad_request'],
      [{ media: [] }, 400, 'bad_media'], [{ media: ['smell'] }, 400, 'bad_media'],
    ];
    for (const [change, status, code] of cases) {
      const got = await answer(call, 'ben', 'grant', change);
      assert.deepEqual([got.status, got.json.code], [status, code], JSON.stringify(change));
    }
    assert.equal((await read(call.letter.ben)).answer, 'none');
  });

  test('who cannot consent cannot do so in writing (R4)', async () => {
    const call = await planned();
    const secret = (await import('node:fs')).readFileSync(place.secret, 'utf8').trim();
    const token = forge({ aud: 'recgate', sid: call.session, sub: 'ben', role: 'client', exp: Math.floor(Date.now() / 1000) + 60, cannot_consent: true }, { secret });
    const got = await daemon.post('/v1/consent', token, { request: call.plan.request, disclosure_sha256: call.plan.disclosure_sha256, decision: 'grant' });
    assert.deepEqual([got.status, got.json.code], [403, 'cannot_consent']);
  });
});

describe('the door', () => {
  test('too early, too late, not invited: in plain words', async () => {
    const early = await planned({ starts: at(600), ends: at(1200) });
    const refusal = await refusedToJoin(early, 'ben', 'too_early');
    assert.ok(refusal.message.includes(early.plan.starts) && refusal.message.includes(early.plan.opens), refusal.message);
    assert.equal(refusal.opens, early.plan.opens);
    const open = await planned();
    await refusedToJoin(open, 'carl', 'not_invited', daemon.token(open.session, 'carl', 'observer'));
    (await join(open, 'ben')).close();

    const here = scratch();
    const strict = await Daemon.start({ place: here, config: { ...CONFIG, 'sessions.grace_s': 0 } });
    const usual = daemon;
    try {
      daemon = strict;
      const short = await planned({ starts: at(-5), ends: at(1) });
      await sleep(1200);
      await refusedToJoin(short, 'ben', 'too_late', daemon.token(short.session, 'ben', 'client'));
      const late = await answer({ ...short, letter: { ben: daemon.token(short.session, 'ben', 'client') } }, 'ben', 'grant');
      assert.deepEqual([late.status, late.json.code], [409, 'too_late']);
    } finally {
      daemon = usual;
      await strict.end();
      here.remove();
    }
  });
});

describe('what was answered stands', () => {
  test('both agreed in writing, the daemon was restarted: nobody is asked again and the gate opens (R5)', async () => {
    const call = await planned();
    const { receipt, withdraw_key: key } = await agree(call, 'anna');
    assert.equal(receipt.events[0].event_state, 'granted');
    assert.ok(key.length > 30);
    await agree(call, 'ben', { media: ['audio'] });
    await restart();
    const letter = await read(call.letter.ben);
    assert.deepEqual([letter.answer, letter.media, letter.state], ['granted', 'audio', 'open']);
    assert.ok(letter.message.includes('Clinic Platform'));
    const anna = await join(call, 'anna');
    const ben = await join(call, 'ben');
    await recording(ben);
    await recording(anna);
    assert.ok(![...anna.log, ...ben.log].some((message) => message.type === 'consent.ask'), 'nobody was asked again');
    assert.equal((await anna.request({ type: 'recording.request', disclosure: DISCLOSURE })).code, 'request_pending');
    for (const one of [anna, ben]) one.close();
  });

  test('one answered, one did not: the gate waits for the other, who is asked in the call (R7)', async () => {
    const call = await planned();
    await agree(call, 'anna');
    await restart('SIGKILL');
    const ben = await join(call, 'ben');
    const ask = await ben.expect('consent.ask');
    assert.equal(ask.disclosure_sha256, call.plan.disclosure_sha256);
    assert.deepEqual([ask.from, ask.from_name], ['', 'Clinic Platform'], 'who asked, though they are not in the call');
    const anna = await join(call, 'anna');
    await sleep(500);
    assert.ok(!opened(anna) && !opened(ben));
    assert.equal((await ben.request({ type: 'consent.grant', request: ask.request, disclosure_sha256: ask.disclosure_sha256 })).type, 'consent.recorded');
    await recording(anna);
    for (const one of [anna, ben]) one.close();
  });

  /** Both agreed in writing, and Ben was recorded; then the daemon was restarted. */
  async function recordedBeforeRestart() {
    const call = await planned();
    await agree(call, 'anna');
    await agree(call, 'ben');
    const ben = await join(call, 'ben');
    await recording(ben);
    await ben.leave();
    await restart();
    return call;
  }

  test('who was in the call before a restart confirms again (R3)', async () => {
    const call = await recordedBeforeRestart();
    assert.equal((await read(call.letter.ben)).answer, 'none');
    const again = await join(call, 'ben');
    await again.expect('consent.ask');
    again.close();
  });

  test('and whose no takes back the yes of before the restart: what was recorded under it goes (R4, R12)', async () => {
    for (const way of ['call', 'letter']) {
      const call = await recordedBeforeRestart();
      if (way === 'letter') {
        const { json } = await answer(call, 'ben', 'decline');
        assert.equal(json.type, 'consent.withdrawn', JSON.stringify(json));
      } else {
        const again = await join(call, 'ben');
        const { request } = await again.expect('consent.ask');
        assert.equal((await again.request({ type: 'consent.decline', request })).type, 'consent.recorded');
        await again.state('purged');
        again.close();
      }
      const preview = await daemon.post('/v1/withdraw/preview', call.letter.anna, {});
      assert.deepEqual(preview.json.recordings.map(({ erased }) => erased), ['session'], way);
    }
    const verified = daemon.ctl('verify');
    assert.equal(verified.status, 0, verified.output);
  });
});

describe('a written no', () => {
  test('ends it for everybody, lasts over a restart, and 0 bytes are kept (R4)', async () => {
    const call = await planned();
    await agree(call, 'anna');
    const { status, json } = await answer(call, 'ben', 'decline');
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(json.receipt.events[0].event_state, 'declined');
    assert.equal(json.withdraw_key, undefined);
    const filesBefore = segmentFiles().length;
    for (const again of [false, true]) {
      if (again) await restart('SIGKILL');
      assert.equal((await read(call.letter.ben)).answer, 'no');
      assert.equal((await read(call.letter.anna)).state, 'over');
      assert.equal((await answer(call, 'ben', 'grant')).json.code, 'request_ended');
    }
    const anna = await join(call, 'anna');
    const ben = await join(call, 'ben');
    assert.equal((await anna.request({ type: 'recording.request', disclosure: DISCLOSURE })).code, 'declined_final');
    await sleep(300);
    assert.ok(!opened(anna) && !opened(ben));
    assert.equal(segmentFiles().length, filesBefore, '0 bytes');
    assert.deepEqual(await daemon.segments(call.session), []);
    for (const one of [anna, ben]) one.close();
  });
});

describe('a written yes is taken back in writing (R6)', () => {
  test('before the call: by the page, by the token, by the key, also across a restart', async () => {
    for (const way of ['decline', 'token', 'key']) {
      const call = await planned();
      await agree(call, 'anna');
      const { withdraw_key: key } = await agree(call, 'ben');
      if (way !== 'decline') await restart();
      const done = way === 'decline' ? await answer(call, 'ben', 'decline')
        : way === 'token' ? await daemon.post('/v1/withdraw', call.letter.ben, {}) : await daemon.post('/v1/withdraw', undefined, { withdraw_key: key });
      assert.equal(done.status, 200, `${way}: ${JSON.stringify(done.json)}`);
      assert.equal(done.json.type, 'consent.withdrawn', way);
      assert.equal((await read(call.letter.ben)).answer, 'no', way);
      const anna = await join(call, 'anna');
      assert.equal((await anna.request({ type: 'recording.request', disclosure: DISCLOSURE })).code, 'declined_final', way);
      anna.close();
    }
  });

  test('during the call: the gate closes at once', async () => {
    const call = await planned();
    await agree(call, 'anna');
    await agree(call, 'ben');
    const anna = await join(call, 'anna');
    await recording(anna);
    assert.equal((await answer(call, 'ben', 'decline')).json.type, 'consent.withdrawn', 'Ben has not even come');
    await anna.state('purged');
    anna.close();
  });

  test('after the call, and after a restart', async () => {
    const call = await planned();
    await agree(call, 'anna');
    await agree(call, 'ben');
    const anna = await join(call, 'anna');
    await recording(anna);
    await anna.request({ type: 'recording.stop' });
    await anna.leave();
    await restart();
    assert.equal((await read(call.letter.ben)).state, 'over');
    assert.equal((await daemon.post('/v1/withdraw', call.letter.ben, {})).json.type, 'consent.withdrawn');
    const { json } = await daemon.get(`/v1/sessions/${call.session}`, service());
    assert.equal(json.consents.find((one) => one.participant === 'ben').answer, 'withdrawn');
    assert.equal((await daemon.post('/v1/withdraw', daemon.token(call.session, 'carl', 'client'), {})).status, 404, 'carl was never invited');
    const later = await join(call, 'anna'); // the session was in memory already: it has learnt of the no (R4)
    assert.equal((await later.request({ type: 'recording.request', disclosure: DISCLOSURE })).code, 'declined_final');
    later.close();
  });
});

describe('the ledger refuses', () => {
  /** What is on the ledger of that session, as an auditor is told. */
  const told = async (call) => (await daemon.get(`/v1/sessions/${call.session}`, service())).json;

  test('a written yes: nothing is recorded until it is written, then the letter has its receipt and key (R7, R21, R24)', async () => {
    const call = await planned();
    await agree(call, 'anna');
    daemon.refuse('consents');
    let anna, ben;
    try {
      const { status, json } = await answer(call, 'ben', 'grant');
      assert.equal(status, 503);
      const letter = await read(call.letter.ben);
      [anna, ben] = [await join(call, 'anna'), await join(call, 'ben')];
      await sleep(2500); // the store is looked at every second, and works but for that one answer
      assert.ok(!opened(anna) && !opened(ben), JSON.stringify(states(ben)));
      assert.deepEqual((await told(call)).gate_history, []);
      assert.equal(json.code, 'no_receipt');
      assert.match(json.message, /no receipt.*the test refuses.*tried again by itself/);
      assert.deepEqual([letter.answer, letter.unwritten, letter.recorded], ['granted', true, undefined]);
    } finally {
      daemon.relent();
    }
    await recording(ben);
    const letter = await read(call.letter.ben);
    assert.equal(letter.unwritten, undefined);
    assert.equal(letter.recorded.receipt.events[0].event_state, 'granted');
    const history = await until(async () => {
      const { gate_history: list } = await told(call);
      return list.length > 0 && list;
    }, 'the gate’s opening on the ledger');
    assert.ok(history.every(({ at: moment }) => moment >= letter.recorded.receipt.events[0].event_time), 'it opened only after the grant was on the ledger');
    assert.equal((await daemon.post('/v1/withdraw', undefined, { withdraw_key: letter.recorded.withdraw_key })).json.type, 'consent.withdrawn', 'its key works');
    for (const one of [anna, ben]) one.close();
  });

  test('a written yes is taken back before it was written: the no stands, and the yes is not said again (R4)', async () => {
    const call = await planned();
    daemon.refuse('consents');
    try {
      assert.equal((await answer(call, 'ben', 'grant')).status, 503);
    } finally {
      daemon.relent();
    }
    assert.equal((await answer(call, 'ben', 'decline')).json.type, 'consent.withdrawn');
    await sleep(1500); // by then the store was looked at
    const letter = await read(call.letter.ben);
    assert.deepEqual([letter.answer, letter.unwritten], ['no', undefined]);
    assert.deepEqual((await told(call)).consents.map(({ answer: word }) => word), ['withdrawn']);
  });

  test('a written no: it stands at once, and is written by itself (R4, R21)', async () => {
    const call = await planned();
    daemon.refuse('consents');
    try {
      assert.equal((await answer(call, 'ben', 'decline')).status, 503);
      assert.equal((await read(call.letter.ben)).answer, 'no');
    } finally {
      daemon.relent();
    }
    const letter = await until(async () => {
      const now = await read(call.letter.ben);
      return now.recorded && now;
    }, 'the receipt');
    assert.deepEqual([letter.recorded.receipt.events[0].event_state, letter.recorded.withdraw_key], ['declined', undefined]);
    assert.deepEqual((await told(call)).consents.map(({ answer: word }) => word), ['declined']);
  });

  for (const table of ['recordings', 'plans'])
    test(`a plan, at its ${table}: an error, nobody is asked, and nothing could be recorded by it (R5, R7, R21)`, async () => {
      const session = fresh();
      daemon.refuse(table);
      try {
        const { status, json } = await daemon.post('/v1/sessions', service(), body(session));
        assert.deepEqual([status, json.code], [503, 'storage']);
        assert.match(json.message, /Nothing was planned/);
      } finally {
        daemon.relent();
      }
      const letter = await daemon.get('/v1/consent', daemon.token(session, 'ben', 'client'));
      assert.deepEqual([letter.status, letter.json.code], [404, 'no_request']);
      const anna = await Client.join(daemon, session, 'anna', 'expert');
      await sleep(300);
      assert.deepEqual(states(anna).map(({ state }) => state), ['idle'], 'nobody is asked');
      anna.close();
    });

  test('a plan that was refused can be made again', async () => {
    const session = fresh();
    daemon.refuse('recordings');
    try {
      assert.equal((await daemon.post('/v1/sessions', service(), body(session))).status, 503);
    } finally {
      daemon.relent();
    }
    const call = await planned({}, session);
    await agree(call, 'ben');
    assert.equal((await read(call.letter.ben)).answer, 'granted');
  });
});
