// Tells the installers what a configuration file asks for, a word or two a line: `template` when it is still as it was put there,
// `data_dir PATH`, and of a lab host the parts that it turns on. Exit code 1 when the file has a mistake: cis490 config check names it.

import { join } from 'node:path';
import { labHostConfigDefinition } from '../src/lab-host/lab-host-config.ts';
import { loadConfig } from '../src/lib/config/load-config.ts';
import { receiverConfigDefinition } from '../src/receiver/receiver-config.ts';

const [, , role = '', file = ''] = process.argv;
const examples = join(import.meta.dirname, '..', 'etc');

try {
  const lines = role === 'receiver' ? receiverParts() : labHostParts();
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
} catch {
  process.exitCode = 1;
}

function labHostParts(): string[] {
  const { config } = loadConfig(labHostConfigDefinition, file);
  const { config: example } = loadConfig(labHostConfigDefinition, join(examples, 'lab-host.toml.example'));
  const { orchestrator, autoupdate, cert, paths } = config;
  return [
    ...(config.receiver.url === example.receiver.url ? ['template'] : []),
    `data_dir ${paths.data_dir}`,
    ...(orchestrator.enabled && orchestrator.workload.length > 0 ? ['orchestrator'] : []),
    ...(orchestrator.workload.some(({ name }) => name === 'telemetry') ? ['telemetry'] : []),
    ...(autoupdate.enabled ? ['autoupdate'] : []),
    ...(cert.enabled ? ['cert'] : []),
  ];
}

function receiverParts(): string[] {
  const { config } = loadConfig(receiverConfigDefinition, file);
  const { config: example } = loadConfig(receiverConfigDefinition, join(examples, 'receiver.toml.example'));
  const isTemplate = config.version_gate.local_repo_path === example.version_gate.local_repo_path;
  return [...(isTemplate ? ['template'] : []), `data_dir ${config.store.root}`];
}
