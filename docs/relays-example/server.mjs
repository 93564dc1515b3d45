// SPDX-License-Identifier: Apache-2.0
// An application of its own making, with an SFU of its own: people in one room, each published and watched, every description through the gate.
// Janus stands for the SFU, by its HTTP API, as the server of an application would use it; no client ever talks to Janus. docs/relays.md goes through it.
//
//   GATE=http://127.0.0.1:8480 SECRET_FILE=recgate-data/secret JANUS=http://127.0.0.1:8088/janus ROOM=1234 PORT=8000 node server.mjs
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { GATE = 'http://127.0.0.1:8480', JANUS = 'http://127.0.0.1:8088/janus', ROOM = '1234', PORT = '8000' } = process.env;
const SECRET = readFileSync(process.env.SECRET_FILE ?? 'recgate-data/secret', 'utf8').replace(/\n$/, '');
const SESSION = 'example';

// --- tokens: the application says who somebody is -------------------------------------------------------------------------

function token(participant, role, seconds = 3600) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { aud: 'recgate', sid: SESSION, sub: participant, name: participant, role, exp: Math.floor(Date.now() / 1000) + seconds };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

// --- the gate: one description in, the other side's out -------------------------------------------------------------------

async function ask(where, body) {
  const answer = await fetch(`${GATE}${where}`, {
    method: 'POST', headers: { authorization: `Bearer ${token('server', 'service', 60)}`, 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${json.code}: ${json.message}`);
  return json;
}

const newRelay = (participant, from, description) => ask('/v1/relays', { session: SESSION, participant, from, description });
const inRelay = (id, from, description) => ask(`/v1/relays/${id}`, { from, description });

// --- the SFU --------------------------------------------------------------------------------------------------------------

class Janus {
  waiting = new Map(); // transaction -> resolve
  feeds = new Map();   // handle -> {me, feed}

  async post(path, message) {
    const answer = await fetch(`${JANUS}${path}`, { method: 'POST', body: JSON.stringify({ transaction: randomUUID(), ...message }) });
    const json = await answer.json();
    if (json.janus === 'error') throw new Error(json.error.reason);
    return json;
  }

  async open() {
    this.session = (await this.post('', { janus: 'create' })).data.id;
    this.#listen();
  }

  /** What Janus says later comes by a GET that it answers when there is something. */
  async #listen() {
    for (;;) {
      const events = await fetch(`${JANUS}/${this.session}?maxev=10`).then((answer) => answer.json());
      for (const event of [events].flat()) {
        this.waiting.get(event.transaction)?.(event);
        if (event.janus === 'hangup' || event.janus === 'detached') this.feeds.delete(event.sender);
      }
    }
  }

  async attach() {
    return (await this.post(`/${this.session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
  }

  async say(handle, body, jsep) {
    const transaction = randomUUID();
    const answered = new Promise((resolve) => this.waiting.set(transaction, resolve));
    await this.post(`/${this.session}/${handle}`, { janus: 'message', transaction, body, jsep });
    const event = await answered;
    this.waiting.delete(transaction);
    if (event.plugindata?.data.error) throw new Error(event.plugindata.data.error);
    return event;
  }
}

// --- the application's own signalling -------------------------------------------------------------------------------------

const janus = new Janus();

/** The client's offer goes to the SFU through the gate, and the SFU's answer back through it. */
async function publish({ me, description }) {
  const opened = await newRelay(me, 'client', description);
  const handle = await janus.attach();
  const event = await janus.say(handle, { request: 'joinandconfigure', ptype: 'publisher', room: Number(ROOM), display: me }, opened.description);
  janus.feeds.set(handle, { me, feed: event.plugindata.data.id });
  return { description: (await inRelay(opened.relay, 'sfu', event.jsep)).description };
}

/** Here the SFU offers: what somebody publishes. */
async function watch({ me, feed }) {
  const handle = await janus.attach();
  const event = await janus.say(handle, { request: 'join', ptype: 'subscriber', room: Number(ROOM), streams: [{ feed }] });
  const opened = await newRelay(me, 'sfu', event.jsep);
  return { relay: opened.relay, handle, description: opened.description };
}

async function answer({ relay: id, handle, description }) {
  await janus.say(handle, { request: 'start' }, (await inRelay(id, 'client', description)).description);
  return {};
}

const CALLS = {
  '/join': ({ me, role }) => ({ url: `${GATE.replace('http', 'ws')}/v1/ws`, token: token(me, role === 'expert' ? 'expert' : 'client') }),
  '/publish': publish, '/watch': watch, '/answer': answer, '/feeds': () => [...janus.feeds.values()],
};

// --- who is with the SFU: the gate compares, and without it nothing is recorded (R8) ----------------------------------------

async function compare() {
  const handle = await janus.attach();
  for (let echo; ; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    const { plugindata } = await janus.post(`/${janus.session}/${handle}`, { janus: 'message', body: { request: 'listparticipants', room: Number(ROOM) } });
    const participants = plugindata.data.participants.map(({ display }) => display);
    echo = await ask(`/v1/sessions/${SESSION}/roster`, { participants, echo }).then(({ n }) => n, () => undefined); // until somebody has joined there is no session
  }
}

// --- and its web server ---------------------------------------------------------------------------------------------------

async function bodyOf(request) {
  let text = '';
  for await (const bytes of request) text += bytes;
  return JSON.parse(text || '{}');
}

async function serve(request, response) {
  const { pathname } = new URL(request.url, 'http://app');
  const reply = (status, type, body) => response.writeHead(status, { 'content-type': type }).end(body);
  if (request.method === 'POST' && CALLS[pathname]) return reply(200, 'application/json', JSON.stringify(await CALLS[pathname](await bodyOf(request))));
  if (pathname === '/') return reply(200, 'text/html', readFileSync(new URL('page.html', import.meta.url)));
  if (/^\/recgate[a-z-]*\.js$/.test(pathname)) return reply(200, 'text/javascript', await (await fetch(GATE + pathname)).text()); // the client module
  return reply(404, 'text/plain', 'not here');
}

await janus.open();
compare().catch((error) => console.error(`the gate is not told who is there: ${error.message}`));
createServer((request, response) => serve(request, response).catch((error) => response.writeHead(500).end(JSON.stringify({ error: error.message }))))
  .listen(Number(PORT), '127.0.0.1', function () { console.log(`http://127.0.0.1:${this.address().port}/?me=anna&role=expert`); });
