// One look at the way to the receiver, layer by layer, and at what its answers say: however many checks ask, it is made once.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { jsonOf } from '../transport/classify-answer.ts';
import { CredentialFiles } from '../transport/credentials.ts';
import { type LayerReport, type PingExchange, type PingPath, pingPath, runLayers } from '../transport/ping-layers.ts';
import { PING_LAYERS } from '../transport/receiver-path.ts';

// Whoever waits for a report does not wait as long as a shipper does.
const LONGEST_STEP_MS = 10_000;

export interface ReceiverLookOptions {
  config: LabHostConfig;
  codeVersion: CodeVersion | undefined;
  clock: Clock;
  logger: Logger;
}

/** What was asked for, or the layer that fails before it. */
export type Reached<Value> = { kind: 'reached'; value: Value } | { kind: 'not-reached'; failed: string };

export class ReceiverLook {
  readonly url: URL;
  readonly #path: PingPath & { close(): void };
  #layers: Promise<LayerReport[]> | undefined;

  constructor({ config, codeVersion, clock, logger }: ReceiverLookOptions) {
    const { bearer_token_file: bearerToken, tls, url, connect_timeout_s } = config.receiver;
    this.#path = pingPath({
      receiverUrl: url,
      hostId: config.host_id,
      timeoutMs: Math.min(connect_timeout_s * 1000, LONGEST_STEP_MS),
      credentials: new CredentialFiles({ bearerToken, tls, clock, logger }),
      clock,
      codeVersion,
    });
    this.url = this.#path.url;
  }

  async layer(name: string): Promise<LayerReport | undefined> {
    return (await this.#look()).find(({ layer }) => layer === name);
  }

  /** The first layer that fails. */
  async failed(): Promise<Extract<LayerReport, { status: 'failed' }> | undefined> {
    return (await this.#look()).find((report) => report.status === 'failed');
  }

  /** The receiver's answer to a ping, once it is known to be the receiver's. */
  async ping(): Promise<Reached<PingExchange & { body: Record<string, unknown> }>> {
    const contract = await this.layer('contract');
    if (contract?.status !== 'ok') return { kind: 'not-reached', failed: await this.#failedName() };
    const exchange = await this.#path.ping();
    return { kind: 'reached', value: { ...exchange, body: jsonOf(exchange.answer) ?? {} } };
  }

  /** What the gate says of this host's code, and its window. Undefined for an older receiver, which cannot be asked. */
  async gate(): Promise<Reached<{ verdict: Record<string, unknown>; status: Record<string, unknown> } | undefined>> {
    const contract = await this.layer('contract');
    if (contract?.status !== 'ok') return { kind: 'not-reached', failed: await this.#failedName() };
    const { codeVersion } = this.#path;
    const query = `?commit=${codeVersion?.commit ?? ''}${codeVersion?.dirty ? '&dirty=1' : ''}`;
    const [verdict, status] = await Promise.all([this.#askGate(query), this.#askGate('')]);
    return { kind: 'reached', value: verdict && { verdict, status: status ?? {} } };
  }

  close(): void {
    this.#path.close();
  }

  async #askGate(query: string): Promise<Record<string, unknown> | undefined> {
    const answer = await this.#path.ask('GET', `/v1/version-gate${query}`);
    return answer.status === 200 ? jsonOf(answer) : undefined;
  }

  async #failedName(): Promise<string> {
    return (await this.failed())?.layer ?? 'the receiver';
  }

  #look(): Promise<LayerReport[]> {
    this.#layers ??= runLayers(PING_LAYERS, this.#path);
    return this.#layers;
  }
}
