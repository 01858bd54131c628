// What the commands share that ask the receiver for a person: where it is, with which credential, and how the answer is shown.

import { existsSync, readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AppError, messageOf } from '../../src/lib/app-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { OperatorOptions } from '../../src/operator/app.ts';
import type { ReceiverAddress } from '../../src/operator/receiver-client.ts';
import type { ReceiverConfig } from '../../src/receiver/receiver-config.ts';
import { RECEIVER_GROUP } from '../help-style.ts';
import {
  type CommonOptions,
  commandLogger,
  endWithReader,
  readConfig,
  stopSignal,
  withCommonOptions,
} from './common.ts';

export interface AskOptions extends CommonOptions {
  url?: string;
  tokenFile?: string;
  caFile?: string;
  json?: boolean;
  watch?: boolean;
}

const NAME_IT =
  'name it: --url https://receiver.example:8490 --token-file FILE, or CIS490_RECEIVER_URL and CIS490_TOKEN_FILE';

export function withAskOptions(command: Command): Command {
  const withUrl = withCommonOptions(command).addOption(
    new Option('--url <url>', 'the receiver (default: by receiver.toml, on its own machine)')
      .env('CIS490_RECEIVER_URL')
      .argParser(webUrl)
      .helpGroup(RECEIVER_GROUP),
  );
  return withCredentialFiles(withUrl).option('--json', 'the receiver’s own answer');
}

/** As whom a receiver is asked, and by what its certificate is known. */
export function withCredentialFiles(command: Command): Command {
  return command
    .addOption(
      new Option('--token-file <file>', 'a file with a token; needed where the receiver has any credential')
        .env('CIS490_TOKEN_FILE')
        .helpGroup(RECEIVER_GROUP),
    )
    .addOption(
      new Option('--ca-file <file>', 'the authority that signed its certificate, in PEM (default: the system’s)')
        .env('CIS490_CA_FILE')
        .helpGroup(RECEIVER_GROUP),
    );
}

/** Those that stand before the name of a subcommand count for it too; the environment never counts for more than either. */
export function optionsOf<Options extends AskOptions>(command: Command): Options {
  const { parent } = command;
  const own = command.opts();
  for (const name of command.options.map((option) => option.attributeName())) {
    const isGiven = command.getOptionValueSource(name) === 'cli';
    if (!isGiven && parent?.getOptionValueSource(name) === 'cli') own[name] = parent.getOptionValue(name);
  }
  return own as Options;
}

export async function askWith(options: AskOptions): Promise<OperatorOptions> {
  endWithReader();
  return {
    receiver: await findReceiver(options),
    json: options.json ?? false,
    watchUntil: options.watch ? stopSignal('SIGHUP') : undefined,
    output: process.stdout,
    environment: process.env,
    clock: systemClock,
  };
}

async function findReceiver(options: AskOptions): Promise<ReceiverAddress> {
  const found = options.url === undefined ? await ownReceiver(options) : { url: options.url };
  return {
    ca: undefined,
    ownCertificate: undefined,
    ...found,
    ...(options.caFile !== undefined && { ca: readCa(options.caFile), ownCertificate: undefined }),
    token: options.tokenFile === undefined ? undefined : await readToken(options.tokenFile),
  };
}

/** Of this machine, as it listens; its certificate is known from its own file. */
async function ownReceiver(options: AskOptions): Promise<Partial<ReceiverAddress> & { url: string }> {
  const { receiverConfigDefinition } = await import('../../src/receiver/receiver-config.ts');
  const path = options.config ?? receiverConfigDefinition.defaultPath;
  if (!existsSync(path))
    throw new AppError('bad-input', `no receiver is named, and there is no ${path} here`, { hint: NAME_IT });
  const logger = commandLogger(options.logLevel);
  const { listen } = await readConfig(options, receiverConfigDefinition, logger).catch((error: unknown) => {
    // Who may not read its secrets is no reader of its configuration, and can ask all the same.
    throw new AppError('bad-config', messageOf(error), {
      hint: `correct it, try with sudo, or else ${NAME_IT}`,
      cause: error,
    });
  });
  if (listen.port === 0) {
    throw new AppError('bad-input', `${path} lets the system choose the port, so that it is not known here`, {
      hint: NAME_IT,
    });
  }
  const url = listenUrl(listen);
  const certFile = listen.tls?.cert_file;
  if (certFile === undefined) return { url };
  const { X509Certificate } = await import('node:crypto');
  const ca = readCa(certFile);
  return { url, ca, ownCertificate: new X509Certificate(ca).raw };
}

/** A receiver as its own machine reaches it. */
export function listenUrl({ host: listenHost, port, tls }: ReceiverConfig['listen']): string {
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = everywhere[listenHost] ?? listenHost;
  const scheme = tls?.cert_file === undefined ? 'http' : 'https';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function readCa(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('bad-input', `the certificate file cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(text)) return text;
  throw new AppError('bad-input', `${path} holds no certificate in PEM`, {
    hint: `look at it: openssl x509 -in ${path} -noout -subject`,
  });
}

async function readToken(path: string) {
  const { readSecret } = await import('../../src/lib/config/secret-file.ts');
  const read = readSecret(path);
  if ('secret' in read) return read.secret;
  throw new AppError('bad-input', `the token file is ${read.found}`, { hint: `it must be ${read.allowed}` });
}

export function webUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('must be an http or https URL, such as https://receiver.example:8490.');
}
