// lab-host.toml of a new host: written where there is none, and otherwise kept as it is, as long as it speaks of this host and this receiver.

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../lib/app-error.ts';
import { parseTomlDocument } from '../../lib/config/toml-document.ts';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { IDENTITY_DIRECTORY } from '../identity-layout.ts';

export interface HostFacts {
  hostId: string;
  receiverUrl: string;
  releaseKeys: readonly string[];
}

export type FoundConfiguration =
  | { kind: 'absent' }
  /** As the installer puts it there, with nobody's receiver in it. */
  | { kind: 'template'; text: string }
  /** `asksForCertificate`: it renews the one that bootstrap gets. */
  | { kind: 'kept'; asksForCertificate: boolean }
  | { kind: 'another'; why: string };

/** `templatePath`: etc/lab-host.toml.example. */
export async function lookAtConfiguration(
  path: string,
  templatePath: string,
  facts: HostFacts,
): Promise<FoundConfiguration> {
  const text = await readIfThere(path);
  if (text === undefined) return { kind: 'absent' };
  const found = readFacts(text);
  if (!found) return { kind: 'another', why: `${path} is no TOML: cis490 config check ${path} --role lab-host` };
  const template = readFacts((await readIfThere(templatePath)) ?? '');
  if (template?.url !== undefined && found.url === template.url) return { kind: 'template', text };
  if (found.hostId !== facts.hostId || found.url !== facts.receiverUrl) {
    const says = `host_id = "${found.hostId}" and url = "${found.url}"`;
    const why = `${path} is of another host or receiver: it says ${says}, and not "${facts.hostId}" and "${facts.receiverUrl}": correct it, or move it away`;
    return { kind: 'another', why };
  }
  return { kind: 'kept', asksForCertificate: found.asksForCertificate };
}

function readFacts(text: string) {
  const outcome = parseTomlDocument(text);
  if (outcome.kind !== 'parsed') return undefined;
  const { host_id, receiver, cert } = outcome.document.value as Record<string, unknown> & {
    receiver?: { url?: unknown; tls?: { cert_file?: unknown } };
    cert?: { enabled?: unknown };
  };
  return {
    hostId: String(host_id),
    url: URL.parse(String(receiver?.url))?.origin,
    asksForCertificate: cert?.enabled === true,
  };
}

/** A template that was there is kept beside it: somebody may have begun to edit it. */
export async function writeConfiguration(path: string, facts: HostFacts, found: FoundConfiguration): Promise<void> {
  if (found.kind === 'kept') return;
  if (found.kind === 'another') throw new AppError('bad-input', found.why);
  await makeDirectory(dirname(dirname(path)));
  await mkdir(dirname(path), { mode: 0o750, recursive: true });
  if (found.kind === 'template') await writeFileDurably(`${path}.before-bootstrap`, found.text, { mode: 0o640 });
  // No secret is in it, and the service must be able to read it before the installer gives it its group.
  await writeFileDurably(path, configurationText(facts), { mode: 0o644 });
}

function configurationText({ hostId, receiverUrl, releaseKeys }: HostFacts): string {
  const update = `
[autoupdate]
enabled = true
release_keys = ${JSON.stringify(releaseKeys)}
`;
  return `# Written by cis490 bootstrap, and from now on yours: nothing overwrites it. lab-host.toml.example has every key.
host_id = ${JSON.stringify(hostId)}

[receiver]
url = ${JSON.stringify(receiverUrl)}

[receiver.tls]
ca_file = "${IDENTITY_DIRECTORY}/ca.crt"
cert_file = "${IDENTITY_DIRECTORY}/current/host.crt"
key_file = "${IDENTITY_DIRECTORY}/current/host.key"

[cert]
enabled = true
${releaseKeys.length > 0 ? update : ''}`;
}
