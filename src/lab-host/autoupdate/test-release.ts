// A release proves itself before anything is changed: its own programs start, and its own configuration schema takes this host's file.

import { access, constants, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { releasePath } from './install-layout.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

// Of every release; the others are told by its units.
const PROGRAMS = ['shipper', 'orchestrator', 'autoupdate'];
const NEEDED = ['bin/cis490', 'scripts/install-units.sh'];
const MOST_SAID = 300;

/** Throws `release-test-failed`. */
export async function testRelease(dependencies: UpdateDependencies, commit: string): Promise<void> {
  const { layout, configPath, run, logger, afterStep } = dependencies;
  const tree = releasePath(layout, commit);
  for (const file of NEEDED) {
    await access(join(tree, file), constants.X_OK).catch((error: unknown) => {
      throw failed(commit, `${file} cannot be run: ${messageOf(error)}`);
    });
  }
  const program = join(tree, 'bin/cis490');
  const tests = [
    ['--version'],
    ['config', 'check', '--role', 'lab-host', configPath],
    ...(await programsOf(tree)).map((name) => [name, '--help']),
  ];
  for (const args of tests) {
    const answer = await run(program, args).catch((error: unknown) => {
      throw failed(commit, messageOf(error));
    });
    if (answer.kind === 'absent') throw failed(commit, 'bin/cis490 cannot be run');
    if (answer.code === 0 && answer.stdout.trim() !== '') continue;
    const said = `${answer.stderr}\n${answer.stdout}`
      .trim()
      .replaceAll(/\s*\n\s*/g, '; ')
      .slice(0, MOST_SAID);
    throw failed(commit, `cis490 ${args.join(' ')}: exit code ${answer.code}: ${said || 'it says nothing'}`);
  }
  logger.info({ commit, tests: tests.length }, 'update: the release starts, and takes this configuration');
  afterStep('tested');
}

function failed(commit: string, why: string): AppError {
  return new AppError('release-test-failed', `release ${commit.slice(0, 12)} fails its test: ${why}`, {
    hint: 'nothing was changed; mend it and publish it again, or mend this configuration',
  });
}

/** What its units start. */
async function programsOf(tree: string): Promise<string[]> {
  const directory = join(tree, 'etc/systemd');
  const names = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const units = names.filter((name) => name.endsWith('.service'));
  const texts = await Promise.all(units.map((name) => readFile(join(directory, name), 'utf8')));
  const started = texts.flatMap((text) =>
    [...text.matchAll(/^ExecStart=\S*\/cis490 ([a-z-]+)/gm)].map(([, name = '']) => name),
  );
  return [...new Set([...PROGRAMS, ...started])];
}
