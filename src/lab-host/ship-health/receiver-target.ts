// Where the report goes, and with which credential: from the configuration, and from one with mistakes as far as these keys are sound.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigError } from '../../lib/config/config-error.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { adoptOlderKeys } from '../../lib/config/older-keys.ts';
import { isTable, parseTomlDocument } from '../../lib/config/toml-document.ts';
import { type LabHostConfig, labHostConfigDefinition } from '../lab-host-config.ts';

export type ReceiverTarget = Pick<LabHostConfig, 'host_id' | 'receiver'>;

/** `bad`: the configuration cannot be used. `target` is then what could be had of it all the same. */
export type FoundTarget =
  | { config: 'good'; target: ReceiverTarget }
  | { config: 'bad'; target: ReceiverTarget | undefined; error: ConfigError };

export function findTarget(configPath: string): FoundTarget {
  try {
    return { config: 'good', target: loadConfig(labHostConfigDefinition, configPath).config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: 'bad', target: salvageTarget(configPath), error };
  }
}

/** Undefined without a host, a receiver, or any of the credentials that are named. */
function salvageTarget(configPath: string): ReceiverTarget | undefined {
  const value = readTables(configPath);
  const written = value?.['receiver'];
  if (!value || !isTable(written)) return undefined;
  adoptOlderKeys(value, labHostConfigDefinition.olderKeys);
  const { shape } = labHostConfigDefinition.schema({ baseDirectory: dirname(resolve(configPath)) });
  const keys = shape.receiver.shape;
  const hostId = shape.host_id.safeParse(value['host_id']).data;
  const url = keys.url.safeParse(written['url']).data;
  const token = sound(keys.bearer_token_file, written['bearer_token_file']);
  const tls = sound(keys.tls, written['tls']);
  const hasCredential = token !== undefined || tls?.cert_file !== undefined;
  const namesCredential = written['bearer_token_file'] !== undefined || written['tls'] !== undefined;
  if (hostId === undefined || url === undefined || (namesCredential && !hasCredential)) return undefined;
  const defaults = { connect: keys.connect_timeout_s.parse(undefined), idle: keys.idle_timeout_s.parse(undefined) };
  return {
    host_id: hostId,
    receiver: {
      url,
      connect_timeout_s: sound(keys.connect_timeout_s, written['connect_timeout_s']) ?? defaults.connect,
      idle_timeout_s: sound(keys.idle_timeout_s, written['idle_timeout_s']) ?? defaults.idle,
      ...(token && { bearer_token_file: token }),
      ...(tls && { tls }),
    },
  };
}

function sound<Schema extends z.ZodType>(schema: Schema, written: unknown): z.output<Schema> | undefined {
  return written === undefined ? undefined : schema.safeParse(written).data;
}

/** Of a file that is no TOML: what stands above the line that is not. */
function readTables(path: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const whole = parseTomlDocument(text);
  if (whole.kind === 'parsed') return whole.document.value;
  const above = text.split('\n').slice(0, whole.line - 1);
  const part = parseTomlDocument(above.join('\n'));
  return part.kind === 'parsed' ? part.document.value : undefined;
}
