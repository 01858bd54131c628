import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { AppError } from '../../lib/app-error.ts';
import { callUrl } from './call-url.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failureOf(call: Promise<string>): Promise<AppError> {
  const outcome = await call.catch((error: unknown) => error);
  assert.ok(outcome instanceof AppError, String(outcome));
  return outcome;
}

const signal = new AbortController().signal;

test('2xx is taken, without waiting for the end of its body', async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(204).end();
  });
  assert.equal(await callUrl({ url, method: 'GET', signal }), '204 No Content');
  const endless = await serve(t, (_request, response) => {
    response.writeHead(200).flushHeaders();
  });
  assert.equal(await callUrl({ url: endless, method: 'POST', body: 'x', signal }), '200 OK');
});

test('a redirect is not followed', async (t) => {
  const asked: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    asked.push(request.url);
    response.writeHead(302, { Location: '/elsewhere' }).end();
  });
  const error = await failureOf(callUrl({ url: `${url}/hook`, method: 'POST', body: 'x', signal }));
  assert.equal(error.code, 'not-delivered');
  assert.equal(error.message, `${url} answered 302 Found`);
  assert.match(error.hint ?? '', /redirects are not followed/);
  assert.deepEqual(asked, ['/hook']);
});

test('what an answer says is told, inert, and without what is secret', async (t) => {
  const url = await serve(t, (request, response) => {
    response.writeHead(500);
    response.end(`no\u001b[31m ${request.url}\r\nkey=hunter2 ${request.headers.authorization} ${'x'.repeat(1_000)}`);
  });
  const address = `${url.replace('//', '//ada:pass-word@')}/services/T0/secret-path?key=query`;
  const error = await failureOf(callUrl({ url: address, method: 'POST', body: 'x', signal, secrets: ['hunter2'] }));
  assert.match(
    error.message,
    /^http:\/\/127\.0\.0\.1:\d+ answered 500 Internal Server Error: no\?\[31m \[redacted\] key=\[redacted\] Basic /,
  );
  assert.doesNotMatch(error.message, /hunter2|secret-path|pass-word|query/);
  assert.ok(error.message.length < 350);
});

test('nobody there, and nothing coming', async (t) => {
  const url = await serve(t, () => undefined);
  const limit = new AbortController();
  const hanging = callUrl({ url: `${url}/secret-path`, method: 'GET', signal: limit.signal });
  limit.abort(new Error('nothing came within 20 s'));
  assert.equal((await failureOf(hanging)).message, `no answer from ${url}: nothing came within 20 s`);
  const refused = await failureOf(callUrl({ url: 'http://127.0.0.1:1/secret-path', method: 'GET', signal }));
  assert.match(refused.message, /^no answer from http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
  assert.doesNotMatch(refused.message, /secret-path/);
});
