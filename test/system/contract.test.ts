// The contract as OpenAPI: what an independent validator says of the document, and that it and the receiver say the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { PROBLEMS } from '../../src/protocol/problem.ts';
import { TestFleet } from '../support/fleet.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Operation {
  responses: Record<string, { content?: Record<string, unknown> }>;
  parameters?: { name: string; in: string; required?: boolean }[];
  security?: unknown[];
}
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
};

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

test('the contract is valid OpenAPI 3.1, and is what the receiver does', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const answer = await send(fleet.port, '/v1/openapi.json');
  assert.equal(answer.headers['content-type'], 'application/json');
  const document = answer.json as unknown as Document;
  const result = await new Validator().validate(structuredClone(answer.json));
  assert.deepEqual([result.valid, result.errors], [true, undefined]);
  assert.equal(document.openapi, '3.1.0');
  const broken = structuredClone(document);
  Object.assign(broken.paths['/v1/ping'] ?? {}, { post: { responses: 3 } });
  assert.equal((await new Validator().validate(broken as never)).valid, false, 'the validator can refuse');

  const served = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => METHODS.includes(key))
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(served.sort(), [
    'DELETE /v1/episodes/{host_id}/{episode_id}.tar.zst',
    'DELETE /v1/fleet/{host_id}/retire',
    'DELETE /v1/silences/{silence_id}',
    'DELETE /v1/uploads/{upload_id}',
    'GET /.well-known/est/cacerts',
    'GET /healthz',
    'GET /metrics',
    'GET /readyz',
    'GET /v1/alerts',
    'GET /v1/episodes',
    'GET /v1/episodes/{host_id}/{episode_id}.tar.zst',
    'GET /v1/events',
    'GET /v1/fleet',
    'GET /v1/fleet/{host_id}',
    'GET /v1/host-health',
    'GET /v1/host-health/{host_id}',
    'GET /v1/index',
    'GET /v1/openapi.json',
    'GET /v1/releases/head',
    'GET /v1/releases/{commit}/{platform}.tar.zst',
    'GET /v1/silences',
    'GET /v1/version-gate',
    'PATCH /v1/uploads/{upload_id}',
    'POST /.well-known/est/simpleenroll',
    'POST /.well-known/est/simplereenroll',
    'POST /v1/alerts/{alert_id}/acknowledge',
    'POST /v1/fleet/{host_id}/retire',
    'POST /v1/heartbeat',
    'POST /v1/ping',
    'POST /v1/silences',
    'POST /v1/uploads',
    'PUT /v1/episodes/{host_id}/{episode_id}.tar.zst',
    'PUT /v1/host-health/{host_id}',
  ]);
  for (const name of ['Problem', 'IndexRow', 'Tombstone', 'Heartbeat', 'FleetHost', 'GateStatus', 'ReleaseHead']) {
    assert.ok(name in document.components.schemas, name);
  }

  await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x');
  for (const [path, item] of Object.entries(document.paths)) {
    const target = path.replace('{host_id}', 'lab-1').replace('{episode_id}', 'e');
    for (const method of METHODS) {
      const operation = item[method];
      // The answer of one has no end.
      const asked = path === '/v1/events' && method === 'get' ? 'head' : method;
      const given = await send(fleet.port, target, { method: asked.toUpperCase() });
      if (!operation) {
        assert.equal(given.status, 405, `${method} ${path}`);
        continue;
      }
      const described = operation.responses[String(given.status)];
      assert.ok(described, `${method} ${path} answered ${given.status}, which is not described`);
      // Its parameters, such as a charset, are no part of what is described.
      const type = given.headers['content-type']?.split(';', 1)[0];
      if (type !== undefined) assert.ok(type in (described.content ?? {}), `${method} ${path} ${given.status} ${type}`);
    }
  }
});

test('every problem that the receiver knows is in the document', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const { components } = (await send(fleet.port, '/v1/openapi.json')).json as unknown as {
    components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } };
  };
  assert.deepEqual(components.schemas.Problem.properties.code.enum.toSorted(), Object.keys(PROBLEMS).sort());
});
