// A forge (Forgejo, Gitea) as far as the gate meets it: its list of commits over a real git repository, well or ill as a test wants it.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { GitRepository } from './git-repository.ts';

/** Ways to be of no use. Only `refused` is not an answer at all. */
export const FORGE_FAULTS = [
  'refused',
  'error-500',
  'redirect',
  'login-page',
  'wrong-json',
  'bad-sha',
  'empty-list',
  'empty-body',
  'cut-off',
  'hangs',
  'trickles',
  'endless',
] as const;
export type ForgeFault = (typeof FORGE_FAULTS)[number];

export interface ForgeManners {
  /** It gives no longer page than this, whatever is asked for. */
  mostPerPage?: number;
  /** Each page is the first. */
  ignoresPage?: boolean;
  /** X-HasMore, as Forgejo sends it; a Link header (RFC 8288); or neither. */
  tellsMore?: 'x-hasmore' | 'link' | 'no';
  /** The fault is met from this page on. */
  faultFromPage?: number;
  /** Called when a page has been answered. */
  afterPage?: (page: number) => void;
}

export class TestForge {
  manners: ForgeManners = {};
  /** `page=N` of each request that came, in order. */
  readonly pages: number[] = [];
  readonly targets: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  readonly #repository: GitRepository;
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<() => void>();
  #server: Server;
  #port = 0;
  #fault: ForgeFault | undefined;

  private constructor(repository: GitRepository) {
    this.#repository = repository;
    this.#server = this.#makeServer();
  }

  static async start(repository: GitRepository, manners: ForgeManners = {}): Promise<TestForge> {
    const forge = new TestForge(repository);
    forge.manners = manners;
    await forge.#listen();
    return forge;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** From the next request on, or until the next word. `undefined`: it is well again. */
  async ail(fault: ForgeFault | undefined): Promise<void> {
    const wasRefused = this.#fault === 'refused';
    this.#fault = fault;
    if (fault === 'refused' && !wasRefused) await this.close();
    if (wasRefused && fault !== 'refused') {
      this.#server = this.#makeServer();
      await this.#listen();
    }
  }

  /** Resolves when a request has come, after `count` others. */
  async asked(count: number): Promise<void> {
    while (this.pages.length <= count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#listeners.add(resolve);
      await promise;
      this.#listeners.delete(resolve);
    }
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #makeServer(): Server {
    const server = createServer((request, response) => this.#answer(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    return server;
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    const page = Number(url.searchParams.get('page') ?? '1');
    this.targets.push(request.url ?? '');
    this.authorizations.push(request.headers.authorization);
    this.pages.push(page);
    if (this.#fault && page >= (this.manners.faultFromPage ?? 1)) fail(this.#fault, response);
    else this.#answerPage(url, page, response);
    for (const tell of [...this.#listeners]) tell();
  }

  #answerPage(url: URL, page: number, response: ServerResponse): void {
    const { mostPerPage = 50, ignoresPage = false, tellsMore = 'x-hasmore', afterPage } = this.manners;
    const length = Math.min(Number(url.searchParams.get('limit') ?? '30'), mostPerPage);
    const all = this.#repository.run('log', '--format=%H', url.searchParams.get('sha') ?? 'main').split('\n');
    const start = ignoresPage ? 0 : (page - 1) * length;
    const hasMore = start + length < all.length;
    if (tellsMore === 'x-hasmore') response.setHeader('X-HasMore', String(hasMore));
    if (tellsMore === 'link') {
      const to = (number: number) => `<${this.url}${url.pathname}?page=${number}>`;
      response.setHeader('Link', [...(hasMore ? [`${to(page + 1)}; rel="next"`] : []), `${to(1)}; rel="first"`]);
    }
    response.setHeader('Content-Type', 'application/json;charset=utf-8');
    response.end(JSON.stringify(all.slice(start, start + length).map(toForgeCommit)));
    afterPage?.(page);
  }
}

function toForgeCommit(sha: string): object {
  return { url: `https://forge.example/${sha}`, sha, created: '2026-05-01T06:37:53Z', parents: [], files: null };
}

function fail(fault: ForgeFault, response: ServerResponse): void {
  const json = (text: string) => response.setHeader('Content-Type', 'application/json').end(text);
  const ways: Record<ForgeFault, () => void> = {
    refused: () => response.destroy(),
    'error-500': () => response.writeHead(500).end('{"message":"database is locked"}'),
    redirect: () => response.writeHead(302, { Location: '/user/login?redirect_to=secret' }).end(),
    'login-page': () => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Sign in</title>'),
    'wrong-json': () => json('{"message":"token is required"}'),
    'bad-sha': () => json('[{"sha":"main"}]'),
    'empty-list': () => json('[]'),
    'empty-body': () => json(''),
    'cut-off': () => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
      response.write('[{"sha":', () => response.destroy());
    },
    hangs: () => undefined,
    trickles: () => {
      response.write('[');
      const trickle = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(trickle));
    },
    endless: () => {
      const chunk = Buffer.alloc(256 * 1024, ' ');
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.write('[');
      response.on('drain', pour);
      pour();
    },
  };
  ways[fault]();
}
