// The connections to the receiver: made with the credentials that hold now, kept for the next request, never kept past a change of credentials.

import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { classifyNetworkError } from './classify-network-error.ts';
import type { ClientCredentials, CredentialSource } from './credentials.ts';
import { type ExchangeLimits, exchange, type HeardAnswer, openAnswer, type RequestBody, textBody } from './exchange.ts';

export interface AskOptions {
  json?: unknown;
  headers?: OutgoingHttpHeaders;
  stop?: AbortSignal;
}

export interface RequestPlan {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  path: string;
  headers: OutgoingHttpHeaders;
  body: RequestBody;
  stop: AbortSignal | undefined;
}

interface Agents {
  credentials: ClientCredentials;
  /** As many connections as episodes may be sent at once. */
  episodes: HttpAgent;
  /** Small requests never wait behind an episode. */
  small: HttpAgent;
}

export interface ConnectionOptions extends ExchangeLimits {
  receiverUrl: string;
  credentials: CredentialSource;
  concurrency: number;
}

export class ReceiverConnections {
  readonly #options: ConnectionOptions;
  readonly #base: URL;
  #agents: Agents | undefined;
  readonly #retired = new Set<HttpAgent>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#base = new URL(options.receiverUrl);
  }

  get #isTls(): boolean {
    return this.#base.protocol === 'https:';
  }

  /** A small request: its answer whatever the status. Rejects as `exchange` does, or with `credentials-unusable`. */
  async ask(method: RequestPlan['method'], path: string, options: AskOptions = {}): Promise<HeardAnswer> {
    const text = options.json === undefined ? '' : JSON.stringify(options.json);
    const headers: OutgoingHttpHeaders = { ...options.headers };
    if (options.json !== undefined) headers['Content-Type'] = 'application/json';
    if (method !== 'GET' && method !== 'HEAD') headers['Content-Length'] = Buffer.byteLength(text);
    return await this.request({ method, path, headers, body: textBody(text), stop: options.stop }, 'small');
  }

  /** An answer of any length, as soon as it begins: whoever asks reads it to its end or destroys it. Rejects as `request` does. */
  async open(path: string, { headers = {}, stop }: Omit<AskOptions, 'json'> = {}): Promise<IncomingMessage> {
    return await this.#attempt(async (agents) => {
      const plan = { method: 'GET' as const, path, headers, body: textBody(''), stop };
      const answer = await openAnswer(this.#open(plan, agents, 'small'), this.#options, plan.body);
      return { status: answer.statusCode, answer };
    });
  }

  async request(plan: RequestPlan, kind: 'episodes' | 'small'): Promise<HeardAnswer> {
    return await this.#attempt(async (agents) => {
      const answer = await exchange(this.#open(plan, agents, kind), this.#options, plan.body);
      return { status: answer.status, answer };
    });
  }

  /** With the credentials of now, which are looked at again when they were refused. */
  async #attempt<Answer>(
    send: (agents: Agents) => Promise<{ status: number | undefined; answer: Answer }>,
  ): Promise<Answer> {
    const agents = this.#agentsNow();
    try {
      const { status, answer } = await send(agents);
      if (status === 401) this.#options.credentials.lookAgain();
      return answer;
    } catch (error) {
      if (classifyNetworkError(error).kind === 'held') this.#options.credentials.lookAgain();
      throw error;
    }
  }

  close(): void {
    if (this.#agents) this.#retire(this.#agents);
    this.#agents = undefined;
    for (const agent of this.#retired) agent.destroy();
    this.#retired.clear();
  }

  #open({ method, path, headers, stop }: RequestPlan, agents: Agents, kind: 'episodes' | 'small'): ClientRequest {
    const { bearerToken } = agents.credentials;
    return (this.#isTls ? httpsRequest : httpRequest)(new URL(path, this.#base), {
      method,
      agent: agents[kind],
      headers: { ...headers, ...(bearerToken !== undefined && { Authorization: `Bearer ${bearerToken}` }) },
      ...(stop && { signal: stop }),
    });
  }

  #agentsNow(): Agents {
    const credentials = this.#options.credentials.current();
    if (this.#agents?.credentials === credentials) return this.#agents;
    if (this.#agents) this.#retire(this.#agents);
    const make = (maxSockets: number) =>
      this.#isTls
        ? new HttpsAgent({ keepAlive: true, maxSockets, ...credentials.tls })
        : new HttpAgent({ keepAlive: true, maxSockets });
    this.#agents = { credentials, episodes: make(this.#options.concurrency), small: make(Number.POSITIVE_INFINITY) };
    return this.#agents;
  }

  /** What is under way on its connections goes on; each is closed once it is free. */
  #retire({ episodes, small }: Agents): void {
    for (const agent of this.#retired) if (Object.keys(agent.sockets).length === 0) this.#retired.delete(agent);
    for (const agent of [episodes, small]) {
      agent.maxFreeSockets = 0;
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      this.#retired.add(agent);
    }
  }
}
