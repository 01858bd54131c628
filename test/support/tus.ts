// A plain tus client for the tests: one request at a time, each on its own connection, each header as it is told.

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { sha256 } from './episodes.ts';
import { GOOD_COMMIT } from './fleet.ts';
import { type Answer, send } from './put.ts';

export const TUS = { 'Tus-Resumable': '1.0.0' };
export const OFFSET_TYPE = 'application/offset+octet-stream';

/** An empty value takes a field away. */
export function metadataOf(body: Uint8Array, fields: Record<string, string> = {}): string {
  const all = { host_id: 'lab-1', episode_id: 'ep-1', sha256: sha256(body), commit: GOOD_COMMIT, ...fields };
  return Object.entries(all)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',');
}

export class TusClient {
  readonly #port: number;
  readonly #headers: Record<string, string>;

  constructor(port: number, headers: Record<string, string> = {}) {
    this.#port = port;
    this.#headers = { ...TUS, ...headers };
  }

  create(body: Uint8Array, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const declared = { 'Upload-Length': String(body.byteLength), 'Upload-Metadata': metadataOf(body, fields) };
    return this.send('POST', '/v1/uploads', { ...declared, ...headers });
  }

  /** The path of a new upload. */
  async begin(body: Uint8Array, fields: Record<string, string> = {}): Promise<string> {
    const { status, headers, text } = await this.create(body, fields);
    if (status !== 201 || headers.location === undefined) throw new Error(`creation answered ${status} ${text}`);
    return headers.location;
  }

  async offset(path: string): Promise<number> {
    const { status, headers } = await this.send('HEAD', path);
    if (status !== 200) throw new Error(`HEAD answered ${status} ${headers['x-cis490-problem']}`);
    return Number(headers['upload-offset']);
  }

  patch(path: string, offsetBytes: number, part: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(
      'PATCH',
      path,
      { 'Upload-Offset': String(offsetBytes), 'Content-Type': OFFSET_TYPE, ...headers },
      part,
    );
  }

  /** An empty value takes a header away. */
  send(method: string, path: string, headers: Record<string, string> = {}, body?: Uint8Array): Promise<Answer> {
    const length = body === undefined ? {} : { 'Content-Length': String(body.byteLength) };
    const all = Object.entries({ ...this.#headers, ...length, ...headers }).filter(([, value]) => value !== '');
    return send(this.#port, path, { method, headers: Object.fromEntries(all), ...(body !== undefined && { body }) });
  }

  /** A PATCH that has sent `part` of `lengthBytes` and then sends nothing more; the caller ends it. */
  async stalledPatch(path: string, offsetBytes: number, part: Uint8Array, lengthBytes: number): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    const headers = { ...this.#headers, 'Upload-Offset': offsetBytes, 'Content-Type': OFFSET_TYPE };
    const lines = Object.entries({ Host: '127.0.0.1', 'Content-Length': lengthBytes, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    await new Promise((resolve) => socket.write(`PATCH ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, resolve));
    await new Promise((resolve) => socket.write(part, resolve));
    return socket;
  }
}

/** What no packing makes smaller. */
export function noise(sizeBytes: number): Buffer {
  return randomBytes(sizeBytes);
}
