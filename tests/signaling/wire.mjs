// SPDX-License-Identifier: Apache-2.0
// Attacks the server over real sockets (faults 14, 16, 17, 18, 20; R6). Usage: node wire.mjs ECHO_SERVER
// Needs no package: the WebSocket handshake and frames are written by hand, so that wrong ones can be sent as well.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';

const PROGRAM = process.argv[2] ?? process.env.ECHO_SERVER;
const SANITIZED = process.env.ECHO_SANITIZED === '1'; // sanitizers keep freed memory: no bounds on it then
const RATE = 50; // messages_per_s_max in echo-server.c

async function start(...args) {
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = { child, log: '' };
  child.stderr.on('data', (d) => { server.log += d; });
  server.port = await new Promise((resolve, reject) => {
    child.stdout.once('data', (d) => resolve(Number(String(d).split(' ')[1])));
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${server.log}`)));
  });
  return server;
}

async function stop(server) {
  const gone = new Promise((resolve) => server.child.once('exit', (code, signal) => resolve(code ?? signal)));
  server.child.kill('SIGTERM');
  assert.equal(await gone, 0, server.log);
}

/** Everything the server says until it closes. */
function raw(port, bytes, { timeout = 15000, from } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
    const parts = [];
    const began = Date.now();
    const end = () => { socket.destroy(); resolve({ text: Buffer.concat(parts).toString('latin1'), ms: Date.now() - began }); };
    socket.setTimeout(timeout, end);
    socket.on('data', (d) => parts.push(d)).on('error', end).on('close', end);
    socket.write(bytes);
  });
}

const status = (text) => Number(text.split(' ')[1] ?? 0);
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

function upgrade(port, headers = {}, path = '/v1/ws') {
  const all = { Host: `127.0.0.1:${port}`, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'recgate.v1', ...headers };
  return `GET ${path} HTTP/1.1\r\n` + Object.entries(all).filter(([, v]) => v !== undefined).map(([k, v]) => `${k}: ${v}\r\n`).join('') + '\r\n';
}

/** A masked client frame (RFC 6455 section 5.2). */
function frame(payload, { opcode = 1, fin = true, announced } = {}) {
  const body = Buffer.from(payload);
  const n = announced ?? body.length;
  const head = n < 126 ? Buffer.from([0, 0x80 | n]) : n < 65536 ? Buffer.from([0, 0xfe, n >> 8, n & 255]) : Buffer.alloc(10);
  if (n >= 65536) { head[1] = 0xff; head.writeBigUInt64BE(BigInt(n), 2); }
  head[0] = (fin ? 0x80 : 0) | opcode;
  return Buffer.concat([head, Buffer.alloc(4), body]); // the mask 0 leaves the payload as it is
}

class Client {
  constructor(socket) { this.socket = socket; this.frames = []; this.buffer = Buffer.alloc(0); this.waiters = []; this.closed = false; }

  static async open(port, { headers, connect, path } = {}) {
    const socket = connect ? await connect() : net.connect(port, '127.0.0.1');
    const client = new Client(socket);
    socket.on('error', () => {});
    socket.on('data', (d) => client.feed(d));
    socket.on('close', () => { client.closed = true; client.wake(); });
    socket.write(upgrade(port, headers, path));
    await client.until(() => client.head !== undefined || client.closed);
    return client;
  }

  feed(bytes) {
    this.buffer = Buffer.concat([this.buffer, bytes]);
    if (this.head === undefined) {
      const end = this.buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.buffer.subarray(0, end).toString();
      this.buffer = this.buffer.subarray(end + 4);
    }
    while (this.take());
    this.wake();
  }

  take() {
    const b = this.buffer;
    if (b.length < 2) return false;
    let n = b[1] & 127, at = 2;
    if (n === 126) { if (b.length < 4) return false; n = b.readUInt16BE(2); at = 4; }
    if (n === 127) { if (b.length < 10) return false; n = Number(b.readBigUInt64BE(2)); at = 10; }
    if (b.length < at + n) return false;
    const body = b.subarray(at, at + n);
    this.frames.push({ opcode: b[0] & 15, body, status: (b[0] & 15) === 8 && n >= 2 ? body.readUInt16BE(0) : undefined });
    this.buffer = b.subarray(at + n);
    return true;
  }

  wake() { for (const w of this.waiters.splice(0)) w(); }

  async until(done, ms = 8000) {
    const end = Date.now() + ms;
    while (!done()) {
      const left = end - Date.now();
      if (left <= 0) throw new Error(`nothing came; frames: ${this.frames.map((f) => f.body.toString().slice(0, 80))}`);
      await Promise.race([new Promise((r) => this.waiters.push(r)), delay(left, undefined, { ref: true })]);
    }
  }

  send(message) { this.socket.write(frame(JSON.stringify(message))); }
  messages() { return this.frames.filter((f) => f.opcode === 1).map((f) => JSON.parse(f.body)); }
  async next(from = 0) { await this.until(() => this.messages().length > from || this.closed); return this.messages()[from]; }
  async closeStatus() { await this.until(() => this.closed || this.frames.some((f) => f.opcode === 8)); return this.frames.find((f) => f.opcode === 8)?.status; }
  end() { this.socket.destroy(); }
}

let server;
before(async () => { server = await start(); });
after(async () => { await stop(server); });
const counts = async () => (await fetch(`http://127.0.0.1:${server.port}/counts`)).json();

test('fault 14: only the same host, the list, and programs that are no browser', async () => {
  const cases = [[{ Origin: `http://127.0.0.1:${server.port}` }, 101], [{ Origin: 'https://friend.example' }, 101], [{}, 101],
    [{ Origin: 'https://evil.example' }, 403], [{ Origin: 'null' }, 403], [{ Cookie: 'a=b' }, 403], [{ 'Sec-Fetch-Site': 'cross-site' }, 403]];
  for (const [headers, expected] of cases) {
    const client = await Client.open(server.port, { headers });
    assert.equal(status(client.head ?? ''), expected, JSON.stringify(headers));
    client.end();
  }
});

test('each path speaks its own subprotocol, counts its own messages, and refuses in its own words', async () => {
  const open = (protocol, path) => Client.open(server.port, { headers: { 'Sec-WebSocket-Protocol': protocol }, path });
  for (const [protocol, path] of [['recgate.v1', '/other'], ['other.v1', '/v1/ws'], ['http', '/other'], ['upstream', '/other']])
    assert.equal(status((await raw(server.port, upgrade(server.port, { 'Sec-WebSocket-Protocol': protocol }, path))).text), 400, `${protocol} at ${path}`);
  for (const first of ['recgate.v1', 'http', 'upstream']) { // what libwebsockets picks by itself must not become another path's socket
    const before = (await counts()).messages;
    const mixed = await open(`${first}, other.v1`, '/other');
    mixed.send({ type: 'a', what: 'b' });
    await Promise.race([mixed.until(() => mixed.closed), mixed.next()]);
    assert.deepEqual(mixed.messages().filter((message) => !message.other), [], first);
    assert.equal((await counts()).messages, before, first);
    mixed.end();
  }
  const client = await open('other.v1', '/other?token=a.b-c_d');
  client.send({ what: 'x', nr: '7' });
  assert.deepEqual(await client.next(), { other: { what: 'x', nr: '7' }, token: 'a.b-c_d' });
  client.send({ type: 'x', nr: '8' });
  const { no, why, nr } = await client.next(1);
  assert.deepEqual([no, nr], ['bad_message', '8']);
  assert.match(why, /"what"/);
  for (let i = 0; i < 3 * RATE; i++) client.send({ what: 'x' });
  await client.until(() => client.messages().length === 2 + 3 * RATE);
  assert.ok(client.messages().slice(2).every((message) => message.other));
  client.end();
});

test('the subprotocol and the path are needed; no extension is taken', async () => {
  assert.equal(status((await raw(server.port, upgrade(server.port, { 'Sec-WebSocket-Protocol': undefined }))).text), 400);
  assert.equal(status((await raw(server.port, upgrade(server.port, { 'Sec-WebSocket-Protocol': 'other' }))).text), 400);
  assert.equal(status((await raw(server.port, upgrade(server.port, {}, '/elsewhere'))).text), 404);
  const client = await Client.open(server.port, { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
  assert.match(client.head, /101/);
  assert.match(client.head, /Sec-WebSocket-Protocol: recgate\.v1/i);
  assert.doesNotMatch(client.head, /Extensions/i);
  client.end();
});

test('fault 16: h2c, smuggling, large heads', async () => {
  const host = `Host: 127.0.0.1\r\n`;
  const cases = [[`GET / HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`, 400],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505], [`POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 411],
    [`GET / HTTP/1.1\r\n${host}X: ${'y'.repeat(1 << 20)}\r\n\r\n`, 431]];
  for (const [bytes, expected] of cases) assert.equal(status((await raw(server.port, bytes)).text), expected, bytes.slice(0, 60));
  const two = await raw(server.port, `GET /one HTTP/1.1\r\n${host}\r\nGET /two HTTP/1.1\r\n${host}\r\n`);
  assert.equal(two.text.match(/HTTP\/1\.1 /g).length, 1);
  assert.match(two.text, /Connection: close/);
});

test('fault 16: a sender of half a head is ended after 10 s, while others are served', async () => {
  const slow = Promise.all([raw(server.port, 'GET / HT'), raw(server.port, '')]);
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/x`)).status, 200);
  for (const one of await slow) assert.ok(one.ms > 8000 && one.ms < 13000, `${one.ms} ms`);
});

test('fault 18: paths', async () => {
  for (const path of ['/v1/sessions/../x', '/v1/sessions/%2e%2e/x', '/a%00', '/a//b', '/..', '/a%2f..%2fb', '/%c0%ae%c0%ae/x\\'])
    assert.equal(status((await raw(server.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).text), 400, path);
});

test('requests and answers', async () => {
  const base = `http://127.0.0.1:${server.port}`;
  const got = await fetch(`${base}/v1/x?a=b%20c`, { headers: { Authorization: 'Bearer t.o.k' } });
  assert.deepEqual(await got.json(), { method: 'GET', path: '/v1/x', a: 'b c', bearer: 't.o.k' });
  for (const [name, value] of [['content-security-policy', /default-src 'self'/], ['content-security-policy', /frame-ancestors 'none'/],
    ['x-content-type-options', /nosniff/], ['referrer-policy', /no-referrer/]]) assert.match(got.headers.get(name), value);
  assert.doesNotMatch(got.headers.get('content-security-policy'), /unsafe/);
  assert.deepEqual((await (await fetch(`${base}/p`, { method: 'POST', body: '{"q":[1]}' })).json()).body, { q: [1] });
  assert.equal((await fetch(`${base}/p`, { method: 'POST', body: '{"q":1,"q":2}' })).status, 400);
  assert.equal((await fetch(`${base}/p`, { method: 'POST' })).status, 200);
  assert.equal((await fetch(`${base}/p`, { method: 'POST', body: `{"a":"${'x'.repeat(250000)}"}` })).status, 200);
  assert.equal((await fetch(`${base}/p`, { method: 'POST', body: 'x'.repeat(300000) })).status, 413);
  assert.equal((await fetch(`${base}/p`, { method: 'PUT' })).status, 405);
  assert.equal((await fetch(`${base}/missing`)).status, 404);
  assert.deepEqual(await (await fetch(`${base}/later`)).json(), { answer: 'later' });
  assert.equal((await (await fetch(`${base}/big`)).text()).length, 3000000);
  const head = await fetch(`${base}/big`, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '3000000');
  assert.equal(await head.text(), '');
});

test('a client that leaves before a late answer', async () => {
  const socket = net.connect(server.port, '127.0.0.1');
  socket.write('GET /later HTTP/1.1\r\nHost: a\r\n\r\n');
  await delay(20);
  socket.destroy();
  await delay(100);
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/x`)).status, 200);
});

test('messages: whole, in fragments, answered errors', async () => {
  const client = await Client.open(server.port);
  client.send({ type: 'hello', id: '1' });
  assert.deepEqual(await client.next(0), { type: 'echo', of: { type: 'hello', id: '1' }, timed: true });
  client.socket.write(frame('{"type":', { fin: false }));
  client.socket.write(frame('"in ', { opcode: 0, fin: false }));
  client.socket.write(frame('parts"}', { opcode: 0 }));
  assert.equal((await client.next(1)).of.type, 'in parts');
  const wrong = ['{', '[]', '"x"', '{"type":1}', '{}', '{"type":"a","type":"b"}', '{"type":"a\\u0000"}', '{"type":"a","n":1e999}', '{"type":"a"} x',
    `{"type":"a","id":"${'x'.repeat(65)}"}`];
  for (const [i, text] of wrong.entries()) {
    client.socket.write(frame(text));
    const answer = await client.next(2 + i);
    assert.equal(answer.type, 'error', text);
    assert.match(answer.code, /^bad_(json|message)$/);
  }
  client.socket.write(frame('{"id":"7"}'));
  assert.equal((await client.next(2 + wrong.length)).re, '7');
  client.send({ type: 'close' });
  assert.equal(await client.closeStatus(), 4001);
});

test('fault 17: what no frame may be is closed with the fitting status', async () => {
  const cases = [[frame('{}', { opcode: 2 }), 1003], [frame(Buffer.from([0x22, 0xc3, 0x28, 0x22])), 1007], [frame('x'.repeat(262145)), 1009],
    [frame('x', { announced: 10 << 20 }), 1009]];
  for (const [bytes, expected] of cases) {
    const client = await Client.open(server.port);
    client.socket.write(bytes);
    assert.equal(await client.closeStatus(), expected);
    client.end();
  }
  const client = await Client.open(server.port);
  for (let i = 0; i < 10; i++) client.socket.write(frame('x'.repeat(40000), { opcode: i === 0 ? 1 : 0, fin: false }));
  assert.equal(await client.closeStatus(), 1009);
  client.end();
});

const vmKib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${server.child.pid}/status`, 'latin1'))[1]);

test('fault 17: bombs are errors, with at most 1 MB of memory', async (t) => {
  const client = await Client.open(server.port);
  client.send({ type: 'warm', text: 'x'.repeat(200000) });
  await client.next(0);
  const bombs = ['['.repeat(100000), '{"a":'.repeat(50000), `{"type":"a","b":[${'{},'.repeat(80000)}{}]}`, `{"type":"a","b":[${'1,'.repeat(120000)}1]}`,
    `{"type":"a",${Array.from({ length: 20000 }, (_, i) => `"k${i}":1`).join()}}`];
  writeFileSync(`/proc/${server.child.pid}/clear_refs`, '5');
  const before = vmKib('VmHWM');
  for (const [i, bomb] of bombs.entries()) {
    client.socket.write(frame(bomb));
    assert.equal((await client.next(1 + i)).code, 'bad_json');
  }
  const grown = vmKib('VmHWM') - before;
  t.diagnostic(`${grown} KiB`);
  if (!SANITIZED) assert.ok(grown <= 1024, `${grown} KiB`);
  client.end();
});

test('R6: a flood is answered too_many, the withdrawal in it passes', async () => {
  const client = await Client.open(server.port);
  const began = Date.now();
  const flood = Array.from({ length: 1000 }, () => frame('{"type":"hello"}'));
  client.socket.write(Buffer.concat([...flood, frame('{"type":"consent.withdraw","id":"w"}'), ...flood, frame('{"type":"consent.withdraw","id":"w2"}')]));
  await client.until(() => client.messages().some((m) => m.of?.id === 'w2'));
  const all = client.messages();
  assert.ok(all.some((m) => m.of?.id === 'w'));
  const passed = all.filter((m) => m.of?.type === 'hello').length;
  const refilled = RATE * (Date.now() - began) / 1000; // a slow machine takes seconds over it
  assert.ok(passed >= 90 && passed <= 150 + refilled, `${passed} passed`);
  assert.ok(all.some((m) => m.code === 'too_many'));
  client.end();
});

test('fault 20: who stops reading is cut off, the others are served', async () => {
  const before = await counts();
  const stalled = await Client.open(server.port);
  stalled.socket.pause();
  for (let i = 0; i < 10; i++) stalled.send({ type: 'flood' });
  const other = await Client.open(server.port);
  other.send({ type: 'hello' });
  assert.equal((await other.next(0)).type, 'echo');
  let now;
  for (let i = 0; i < 50; i++) {
    now = await counts();
    if (now.closed > before.closed) break;
    await delay(100);
  }
  assert.ok(now.closed > before.closed, 'the stalled socket is still there');
  if (!SANITIZED) assert.ok(now.heap < before.heap + (10 << 20), `${now.heap - before.heap} bytes`);
  stalled.end();
  other.end();
});

test('a stream waits for its reader, and ends with it', async () => {
  const base = `http://127.0.0.1:${server.port}`;
  assert.equal((await (await fetch(`${base}/stream?n=20000000`)).arrayBuffer()).byteLength, 20000000);
  const response = await new Promise((resolve) => http.get(`${base}/stream?n=100000000`, resolve));
  assert.match(response.headers['content-disposition'], /filename="a__file_\.webm"/);
  response.pause();
  await delay(300);
  const rss = vmKib('VmRSS');
  await delay(500);
  if (!SANITIZED) assert.ok(vmKib('VmRSS') - rss < 1024, 'the writer runs ahead of its reader');
  server.log = '';
  response.destroy();
  for (let i = 0; i < 50 && !server.log.includes('stream left'); i++) await delay(50);
  assert.ok(Number(/left=(\d+)/.exec(server.log)[1]) > 50000000, server.log);
});

test('fault 36: a stream that was cut is not whole to its reader', async () => {
  const cut = await new Promise((resolve) => {
    http.get(`http://127.0.0.1:${server.port}/cut?n=3000000`, (response) => response.on('error', () => resolve(true)).on('end', () => resolve(false)).resume())
      .on('error', () => resolve(true));
  });
  assert.ok(cut);
});

test('limits on connections: an address, then everybody', async () => {
  const held = Array.from({ length: 40 }, () => net.connect(server.port, '127.0.0.1'));
  held.forEach((s) => s.on('error', () => {}));
  await Promise.all(held.map((s) => new Promise((r) => s.once('connect', r))));
  await delay(100);
  assert.equal(status((await raw(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).text), 429);
  assert.equal(status((await raw(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { from: '127.0.0.2' })).text), 200);
  const more = Array.from({ length: 30 }, () => net.connect({ port: server.port, host: '127.0.0.1', localAddress: '127.0.0.3' }));
  more.forEach((s) => s.on('error', () => {}));
  await delay(200);
  assert.equal(status((await raw(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { from: '127.0.0.2' })).text), 503);
  for (const s of [...held, ...more]) s.destroy();
  await delay(300);
  assert.equal(status((await raw(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).text), 200);
});

test('TLS: http/1.1 only, HSTS, messages', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'recgate-wire-'));
  const cert = join(dir, 'cert.pem'), key = join(dir, 'key.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '1',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  const secure = await start(cert, key);
  const options = { host: '127.0.0.1', port: secure.port, ca: readFileSync(cert), ALPNProtocols: ['h2', 'http/1.1'] };
  const connect = () => new Promise((resolve, reject) => { const s = tls.connect(options, () => resolve(s)); s.once('error', reject); });
  const plain = await connect();
  assert.equal(plain.alpnProtocol, 'http/1.1');
  const answer = await new Promise((resolve) => {
    let text = '';
    plain.on('data', (d) => { text += d; }).on('close', () => resolve(text));
    plain.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  });
  assert.match(answer, /^HTTP\/1\.1 200/);
  assert.match(answer, /Strict-Transport-Security/);
  const client = await Client.open(secure.port, { connect });
  client.send({ type: 'hello' });
  assert.equal((await client.next(0)).type, 'echo');
  const foreign = await Client.open(secure.port, { connect, headers: { Origin: 'https://evil.example' } });
  assert.equal(status(foreign.head ?? ''), 403);
  await assert.rejects(new Promise((resolve, reject) => tls.connect({ ...options, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }, resolve).once('error', reject)));
  client.end();
  await stop(secure);
  await assert.rejects(start(join(dir, 'none.pem'), key), /TLS does not start/);
  rmSync(dir, { recursive: true });
});

test('every opened socket was told closed', async () => {
  await delay(300);
  const now = await counts();
  assert.equal(now.opened, now.closed);
});
