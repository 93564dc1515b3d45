// SPDX-License-Identifier: Apache-2.0
// Receivers of reports for tests, on loopback: a webhook over HTTP or HTTPS, and a mail server that speaks as much SMTP as a client needs (RFC 5321).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

/** Keeps what it is sent: requests [{headers, body}]. answers: statuses in order, then 200 for good; 'hang' takes a request and never answers it. */
export class Webhook {
  static async start({ answers = [], tls } = {}) {
    const hook = Object.assign(new Webhook(), { requests: [], answers: [...answers] });
    const onRequest = (request, response) => {
      const pieces = [];
      request.on('data', (piece) => pieces.push(piece));
      request.on('end', () => {
        hook.requests.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(pieces) });
        const answer = hook.answers.shift() ?? 200;
        if (answer !== 'hang') response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end('{}');
      });
    };
    hook.server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
    hook.refused = 0;
    hook.server.on('tlsClientError', () => (hook.refused += 1));
    hook.url = `${tls ? 'https' : 'http'}://127.0.0.1:${await listen(hook.server)}/hooks/recgate?key=hidden`;
    return hook;
  }

  get reports() { return this.requests.map(({ body }) => JSON.parse(body)); }

  end() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** Keeps the mails it is sent: [{from, to, text}]. refuse: how many are refused at their end first. */
export class Mailbox {
  static async start({ refuse = 0 } = {}) {
    const box = Object.assign(new Mailbox(), { mails: [], logins: [], refuse, sockets: new Set() });
    box.server = net.createServer((socket) => {
      box.sockets.add(socket);
      box.#talk(socket);
    });
    box.url = `smtp://127.0.0.1:${await listen(box.server)}`;
    return box;
  }

  #talk(socket) {
    const say = (line) => socket.write(`${line}\r\n`);
    let mail = { to: [] };
    let text = null;
    let pending = '';
    let secret = false;
    const logIn = (line) => {
      this.logins.push(Buffer.from(line, 'base64').toString().split('\0').slice(1));
      secret = false;
      say('235 welcome');
    };
    const end = () => {
      const refused = this.refuse > 0;
      this.refuse -= 1;
      if (!refused) this.mails.push({ ...mail, text: text.join('\r\n') });
      mail = { to: [] };
      text = null;
      say(refused ? '451 try later' : '250 kept');
    };
    const words = {
      EHLO: () => say('250-test\r\n250 AUTH PLAIN'),
      AUTH: () => { secret = true; say('334 '); },
      MAIL: (line) => { mail.from = /<(.*)>/.exec(line)[1]; say('250 ok'); },
      RCPT: (line) => { mail.to.push(/<(.*)>/.exec(line)[1]); say('250 ok'); },
      DATA: () => { text = []; say('354 go on'); },
      QUIT: () => { say('221 bye'); socket.end(); },
    };
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const lines = (pending + bytes.toString('latin1')).split('\r\n');
      pending = lines.pop();
      for (const line of lines) {
        if (secret) logIn(line);
        else if (text === null) (words[line.slice(0, 4).toUpperCase()] ?? (() => say('502 no')))(line);
        else if (line === '.') end();
        else text.push(line.replace(/^\.\./, '.'));
      }
    });
    say('220 test');
  }

  end() {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** The parts of a multipart mail: [{headers: text, body: Buffer}], decoded. */
export function mailParts(text) {
  const boundary = /boundary="?([^"\r\n]+)"?/.exec(text)[1];
  return text.split(`--${boundary}`).slice(1, -1).map((part) => {
    const [head, ...rest] = part.replace(/^\r\n/, '').split('\r\n\r\n');
    const body = rest.join('\r\n\r\n');
    if (/encoding: base64/i.test(head)) return { headers: head, body: Buffer.from(body, 'base64') };
    const plain = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return { headers: head, body: Buffer.from(plain, 'latin1') };
  });
}

/** A certificate of nobody's authority for 127.0.0.1: {key, cert, file}. */
export function selfSigned(dir) {
  const [key, cert] = [path.join(dir, 'tls.key'), path.join(dir, 'tls.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert), file: cert };
}
