// A small fleet in a directory: a receiver's store and configuration, and lab hosts that ship to it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, Program } from './program.ts';

export const GOOD_COMMIT = 'a'.repeat(40);
export const STALE_COMMIT = 'b'.repeat(40);

export interface TestHost {
  hostId: string;
  data: string;
  config: string;
}

export class TestFleet {
  readonly root: string;
  readonly store: string;
  readonly receiverConfig: string;
  readonly port: number;

  private constructor(root: string, port: number, receiverKeys: string) {
    this.root = root;
    this.port = port;
    this.store = join(root, 'store');
    this.receiverConfig = join(root, 'receiver.toml');
    mkdirSync(this.store, { recursive: true });
    writeFileSync(this.receiverConfig, receiverToml(this.store, port, receiverKeys));
  }

  /** `receiverKeys`: more TOML for the receiver, after a gate that takes GOOD_COMMIT alone. */
  static async create(root: string, receiverKeys = ''): Promise<TestFleet> {
    return new TestFleet(root, await freePort(), receiverKeys);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  addHost(hostId: string, shipperKeys = ''): TestHost {
    const data = join(this.root, hostId);
    const config = join(this.root, `${hostId}.toml`);
    mkdirSync(join(data, 'recording'), { recursive: true });
    mkdirSync(join(data, 'episodes'), { recursive: true });
    writeFileSync(
      config,
      `host_id = "${hostId}"\n[paths]\ndata_dir = "${data}"\n[receiver]\nurl = "${this.url}"\n[shipper]\nscan_interval_s = 0.1\n${shipperKeys}\n`,
    );
    return { hostId, data, config };
  }

  spawnReceiver(): Program {
    return Program.cis490(['receiver', '--config', this.receiverConfig]);
  }

  async startReceiver(): Promise<Program> {
    const receiver = this.spawnReceiver();
    await receiver.printed(/receiver is listening/);
    return receiver;
  }

  startShipper(host: TestHost): Program {
    return Program.cis490(['shipper', '--config', host.config]);
  }

  /** One pass; resolves with the exit code. */
  async shipOnce(host: TestHost): Promise<{ code: number | null; log: string }> {
    const shipper = Program.cis490(['shipper', '--once', '--config', host.config]);
    const { code } = await shipper.ended;
    return { code, log: shipper.stderr };
  }
}

function receiverToml(store: string, port: number, more: string): string {
  const gate = more.includes('[version_gate]') ? '' : `[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`;
  const storeKeys = more.includes('[store]') ? '' : `[store]\nroot = "${store}"\nmin_free = "1 MiB"\n`;
  return `[listen]\nport = ${port}\n${storeKeys}${gate}${more}`;
}
