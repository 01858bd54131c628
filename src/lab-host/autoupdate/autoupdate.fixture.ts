// A host to update: a small install base with real files, a receiver that hands out signed bundles, and a systemctl, found by PATH, that
// records what it is told and answers for the units as the release in force would have them.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar, type TarEntry } from 'modern-tar';
import { makeDirectory } from '../../../test/support/temporary-directory.ts';
import type { Clock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { parsePlainLogLine } from '../../lib/log-line.ts';
import { createLogger } from '../../lib/logger.ts';
import { programRunner } from '../../lib/self-check/run-program.ts';
import {
  type Manifest,
  type Platform,
  platformOf,
  type Release,
  releaseKeyId,
  releaseStatement,
} from '../../protocol/release.ts';
import { type UpdateState, updateStateSchema } from '../../protocol/update-state.ts';
import { labHostConfigDefinition } from '../lab-host-config.ts';
import { type AutoupdateOptions, runAutoupdate } from './app.ts';

export const OLD = 'a'.repeat(40);
export const NEW = 'b'.repeat(40);
export const NEWER = 'c'.repeat(40);
export const PLATFORM: Platform = platformOf(process.platform, process.arch) ?? 'linux-x64';
export const WINDOW_S = 60;
const SHIPPER = 'cis490-shipper.service';
const GUARD = join(import.meta.dirname, '../../../scripts/update-guard.sh');

/** Path → content, or where a link leads. */
export type Files = Record<string, string | { link: string } | { content: string; mode: '644' | '755' }>;

export interface Behaviour {
  /** Exit codes of bin/cis490. */
  version?: number;
  config?: number;
  help?: number;
  ping?: number;
  placeUnits?: number;
  /** What systemctl shows of the shipper, once this release was restarted. */
  shipper?: string;
  /** shipper-state.json, likewise; STARTED becomes another each time. */
  shipperState?: string;
  more?: Files;
}

const STORED = '{"started_at_wall":"STARTED","shipped":1,"duplicates":0,"waiting":0}';

/** A release of a few files, which does as it is told. */
export function releaseFiles(commit: string, behaviour: Behaviour = {}): Files {
  const { version = 0, config = 0, help = 0, ping = 0, placeUnits = 0, shipper, shipperState, more } = behaviour;
  const program = `#!/bin/sh
case "$*" in
  --version) echo 1.0; exit ${version} ;;
  config*) echo checked; exit ${config} ;;
  *--help) echo usage; exit ${help} ;;
  'shipper --ping'*) echo 'failed       tcp  econnrefused: nobody there'; exit ${ping} ;;
esac
exit 2
`;
  const units = `#!/bin/sh\necho "${commit.slice(0, 4)} $*" >>"$(dirname "$0")/../../../units.log"\nexit ${placeUnits}\n`;
  return {
    'bin/cis490': { content: program, mode: '755' },
    'scripts/install-units.sh': { content: units, mode: '755' },
    'package.json': '{}\n',
    'docs/link.md': { link: '../package.json' },
    'behaviour/shipper': shipper ?? 'ActiveState=active\nSubState=running\nNRestarts=0\nResult=success\nMainPID=0\n',
    'behaviour/shipper-state.json': shipperState ?? STORED,
    ...more,
  };
}

export function manifestOf(commit: string, files: Files): Manifest {
  const listed = Object.entries(files)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, file]): Manifest['files'][number] => {
      if (typeof file !== 'string' && 'link' in file) return { path, link: file.link };
      const { content, mode } = typeof file === 'string' ? { content: file, mode: '644' as const } : file;
      return { path, bytes: Buffer.byteLength(content), sha256: sha256(content), mode };
    });
  const bytes = listed.reduce((sum, file) => sum + ('bytes' in file ? file.bytes : 0), 0);
  return { format: 1, commit, platform: PLATFORM, bytes, files: listed };
}

export async function bundleOf(manifest: Manifest, files: Files, extra: TarEntry[] = []): Promise<Buffer> {
  const entries: TarEntry[] = manifest.files.flatMap(({ path }): TarEntry[] => {
    const file = files[path];
    if (file === undefined) return [];
    if (typeof file !== 'string' && 'link' in file)
      return [{ header: { name: path, type: 'symlink', linkname: file.link, size: 0 } }];
    const content = Buffer.from(typeof file === 'string' ? file : file.content);
    return [{ header: { name: path, size: content.byteLength, type: 'file', mode: 0o600 }, body: content }];
  });
  const text = Buffer.from(JSON.stringify(manifest));
  const first: TarEntry = { header: { name: 'MANIFEST.json', size: text.byteLength, type: 'file' }, body: text };
  return zstdCompressSync(await packTar([first, ...entries, ...extra]));
}

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What a maintainer's key makes of a bundle. */
export function signRelease(
  unsigned: Omit<Release, 'signatures'>,
  key: { privateKey: KeyObject; publicKey: KeyObject },
): Release {
  const signature = sign(null, releaseStatement(unsigned), key.privateKey).toString('base64');
  return { ...unsigned, signatures: [{ key_id: releaseKeyId(key.publicKey), signature }] };
}

export class UpdateBench {
  readonly root: string;
  readonly base: string;
  readonly data: string;
  readonly configPath: string;
  readonly key = generateKeyPairSync('ed25519');
  readonly log: string[] = [];
  readonly requests: string[] = [];
  /** What the receiver answers when it is asked for the head; a number is a status alone. */
  head: Release | number = 204;
  /** After how many bytes each answer of a bundle ends; none: whole. */
  cuts: number[] = [];
  honoursRange = true;
  nowMs = 0;
  onSleep: (nowMs: number) => void = () => undefined;
  readonly #bundles = new Map<string, Buffer>();

  private constructor(server: Server, autoupdate: string) {
    this.root = makeDirectory();
    this.base = join(this.root, 'opt');
    this.data = join(this.root, 'var/data');
    this.configPath = join(this.root, 'lab-host.toml');
    for (const directory of ['opt/releases', 'opt/guard', 'var/data', 'units', 'bin'])
      mkdirSync(join(this.root, directory), { recursive: true });
    this.place(OLD);
    symlinkSync(`releases/${OLD}`, join(this.base, 'current'));
    copyFileSync(GUARD, join(this.base, 'guard/update-guard.sh'));
    symlinkSync(this.statePath, join(this.base, 'guard/update-state.json'));
    this.#writeSystemctl();
    const key = this.key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      this.configPath,
      `host_id = "lab-1"\n[paths]\ndata_dir = "${this.data}"\n[receiver]\nurl = "http://127.0.0.1:${port}"\n[autoupdate]\nenabled = true\nrelease_keys = ["${key}"]\nhealth_window_s = ${WINDOW_S}\n${autoupdate}\n`,
    );
    server.on('request', (request, response) => this.#answer(request, response));
  }

  /** `autoupdate`: more TOML for that section. */
  static async create(t: TestContext, autoupdate = ''): Promise<UpdateBench> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bench = new UpdateBench(server, autoupdate);
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return bench;
  }

  get statePath(): string {
    return join(this.root, 'var/update-state.json');
  }

  get installRoot(): string {
    return join(this.base, 'releases', OLD);
  }

  /** For programs that it starts. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PATH: `${join(this.root, 'bin')}:${process.env['PATH']}`,
      SYSTEMCTL: join(this.root, 'bin/systemctl'),
    };
  }

  get current(): string {
    return readlinkSync(join(this.base, 'current')).replace('releases/', '');
  }

  get state(): UpdateState {
    return updateStateSchema.parse(JSON.parse(readFileSync(this.statePath, 'utf8')));
  }

  get lines(): string[] {
    return this.log.map((line) => parsePlainLogLine(line)).map((it) => `${it?.level} ${it?.message}`);
  }

  /** What systemctl was told that changes anything, and whose units were put in place. */
  get told(): string[] {
    return [join(this.root, 'systemctl.log'), join(this.base, 'units.log')].flatMap((path) => {
      try {
        return readFileSync(path, 'utf8').trim().split('\n');
      } catch {
        return [];
      }
    });
  }

  /** A release as if it had been installed. */
  place(commit: string, behaviour: Behaviour = {}): void {
    const files = releaseFiles(commit, behaviour);
    const tree = join(this.base, 'releases', commit);
    for (const [path, file] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      if (typeof file !== 'string' && 'link' in file) symlinkSync(file.link, join(tree, path));
      else writeFileSync(join(tree, path), typeof file === 'string' ? file : file.content);
      if (typeof file !== 'string' && 'mode' in file) chmodSync(join(tree, path), Number.parseInt(file.mode, 8));
    }
    writeFileSync(join(tree, 'MANIFEST.json'), JSON.stringify(manifestOf(commit, files)));
    writeFileSync(join(tree, 'VERSION'), JSON.stringify({ commit, dirty: false, stamped_at_wall: null }));
  }

  /** Signs and publishes. */
  async offer(commit: string, releaseNumber: number, behaviour: Behaviour = {}): Promise<Release> {
    const files = releaseFiles(commit, behaviour);
    return this.offerBundle(commit, releaseNumber, await bundleOf(manifestOf(commit, files), files));
  }

  offerBundle(commit: string, releaseNumber: number, bundle: Buffer): Release {
    this.#bundles.set(commit, bundle);
    const about = {
      release_number: releaseNumber,
      commit,
      platform: PLATFORM,
      sha256: sha256(bundle),
      bytes: bundle.byteLength,
    };
    this.head = signRelease(about, this.key);
    return this.head;
  }

  /** Damages what is handed out, not what was signed. */
  spoilBundle(commit: string): void {
    const bundle = Buffer.from(this.#bundles.get(commit) ?? '');
    bundle[20] = (bundle[20] ?? 0) ^ 0xff;
    this.#bundles.set(commit, bundle);
  }

  get clock(): Clock {
    return {
      wallTime: () => new Date(Date.UTC(2026, 4, 1) + this.nowMs).toISOString().replace('Z', '000+00:00'),
      monotonicMs: () => this.nowMs,
      // Whoever sleeps passes the time.
      sleep: async (ms) => {
        this.nowMs += ms;
        this.onSleep(this.nowMs);
      },
    };
  }

  async run(more: Partial<AutoupdateOptions> = {}): ReturnType<typeof runAutoupdate> {
    const { clock } = this;
    return await runAutoupdate({
      config: loadConfig(labHostConfigDefinition, this.configPath).config,
      configPath: this.configPath,
      installRoot: this.installRoot,
      check: false,
      run: programRunner(this.environment),
      clock,
      logger: createLogger({ level: 'info', form: 'plain', clock, write: (line) => this.log.push(line.trimEnd()) }),
      stop: new AbortController().signal,
      ...more,
    });
  }

  /** What systemctl shows of the shipper from now on. */
  setShipper(properties: string): void {
    writeFileSync(join(this.root, 'units', SHIPPER), properties);
  }

  #writeSystemctl(): void {
    const state = (name: string) => join(this.root, name);
    writeFileSync(
      state(`units/${SHIPPER}`),
      'ActiveState=active\nSubState=running\nNRestarts=0\nResult=success\nMainPID=0\n',
    );
    const script = `#!/bin/sh
case "$*" in
  is-enabled*${SHIPPER}) exit 0 ;;
  is-enabled*) exit 1 ;;
  show*) for last; do :; done; cat "${this.root}/units/$last" 2>/dev/null || echo LoadState=not-found ;;
  *restart*)
    echo "$*" >>"${state('systemctl.log')}"
    cp "${this.base}/current/behaviour/shipper" "${state(`units/${SHIPPER}`)}"
    sed "s/STARTED/$(wc -l <"${state('systemctl.log')}")/" "${this.base}/current/behaviour/shipper-state.json" >"${this.data}/shipper-state.json"
    ;;
esac
`;
    writeFileSync(state('bin/systemctl'), script);
    chmodSync(state('bin/systemctl'), 0o755);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '', headers } = request;
    this.requests.push(`${url}${headers.range ? ` ${headers.range}` : ''}`);
    if (url.startsWith('/v1/releases/head')) {
      this.#answerHead(response);
      return;
    }
    const bundle = this.#bundles.get(url.split('/')[3] ?? '');
    if (!bundle) return void response.writeHead(404).end('{"code":"not-found","detail":"no such bundle"}');
    const from = this.honoursRange ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
    const part = bundle.subarray(from);
    const isRange = from > 0;
    response.writeHead(isRange ? 206 : 200, {
      'Content-Length': part.byteLength,
      ...(isRange && { 'Content-Range': `bytes ${from}-${bundle.byteLength - 1}/${bundle.byteLength}` }),
    });
    const cut = this.cuts.shift();
    if (cut === undefined) return void response.end(part);
    response.write(part.subarray(0, cut), () => response.destroy());
  }

  #answerHead(response: ServerResponse): void {
    if (typeof this.head === 'number') return void response.writeHead(this.head).end();
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ ...this.head, url: `/v1/releases/${this.head.commit}/${PLATFORM}.tar.zst` }));
  }
}
