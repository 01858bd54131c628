// A commit as a self-contained bundle for each platform: the same bytes for the same commit. Nothing but the bundles and their
// descriptions stays behind.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, messageOf } from '../lib/app-error.ts';
import { toJsonFile, writeFileDurably } from '../lib/durable-file.ts';
import { formatSize } from '../lib/format-size.ts';
import { isThere } from '../lib/is-there.ts';
import { makeDirectory } from '../lib/make-directory.ts';
import type { Platform } from '../protocol/release.ts';
import { BUNDLE_SUFFIX, DESCRIPTION_SUFFIX, type ReleaseDraft, releaseFileStem } from '../protocol/release-files.ts';
import { belongsInBundle, RESERVED_NAMES } from './bundle-contents.ts';
import { readDraft } from './description-files.ts';
import { installDependencies } from './install-dependencies.ts';
import { listTree } from './list-tree.ts';
import { makeManifest } from './make-manifest.ts';
import { findCommit, type SourceCommit, unpackCommit } from './source-commit.ts';
import { writeBundle } from './write-bundle.ts';

export interface BuildRequest {
  repository: string;
  revision: string;
  platforms: readonly Platform[];
  outDirectory: string;
  /** Told what is being done. */
  tell: (line: string) => void;
}

export interface BuiltBundle {
  descriptionPath: string;
  draft: ReleaseDraft;
}

/** Throws `bad-input`, `git-missing`, `npm-missing`, `npm-failed`, `no-node`, `no-room`. */
export async function buildRelease(request: BuildRequest): Promise<BuiltBundle[]> {
  const { repository, revision, platforms, outDirectory, tell } = request;
  const source = await findCommit(repository, revision);
  await makeDirectory(outDirectory);
  const built: BuiltBundle[] = [];
  for (const platform of new Set(platforms)) {
    const stem = join(outDirectory, releaseFileStem({ commit: source.commit, platform }));
    await refuseSigned(stem + DESCRIPTION_SUFFIX);
    tell(`building ${source.commit} for ${platform}`);
    const draft = await withScratch(outDirectory, (work) => buildBundle({ ...request, source, platform, stem, work }));
    await writeFileDurably(stem + DESCRIPTION_SUFFIX, toJsonFile(draft));
    tell(`built ${stem}${BUNDLE_SUFFIX}, ${formatSize(draft.bytes)}`);
    built.push({ descriptionPath: stem + DESCRIPTION_SUFFIX, draft });
  }
  return built;
}

interface BundleBuild extends BuildRequest {
  source: SourceCommit;
  platform: Platform;
  stem: string;
  /** An empty directory. */
  work: string;
}

async function buildBundle({ repository, source, platform, stem, work }: BundleBuild): Promise<ReleaseDraft> {
  const { commit, committedAt } = source;
  const tree = join(work, 'tree');
  await makeDirectory(tree);
  await unpackCommit(repository, commit, tree, join(work, 'git'));
  for (const name of RESERVED_NAMES) {
    if (await isThere(join(tree, name)))
      throw new AppError('bad-input', `${commit} tracks a file ${name}, which each installed release has of its own`, {
        hint: `take it out of the repository: git rm --cached ${name}`,
      });
  }
  await installDependencies(tree, platform);
  const entries = await listTree(tree, belongsInBundle(platform));
  const manifest = await makeManifest(tree, entries, { commit, platform });
  const { sha256, sizeBytes } = await writeBundle(stem + BUNDLE_SUFFIX, { tree, manifest, committedAt });
  return { commit, platform, sha256, bytes: sizeBytes, signatures: [] };
}

/** A bundle that others may have by now is never replaced by another under its name. */
async function refuseSigned(descriptionPath: string): Promise<void> {
  if (!(await isThere(descriptionPath))) return;
  const { signatures } = await readDraft(descriptionPath);
  if (signatures.length === 0) return;
  throw new AppError('bad-input', `${descriptionPath} is signed already`, {
    hint: 'build into another directory: --out DIR',
  });
}

async function withScratch<T>(outDirectory: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'cis490-release-'));
  try {
    return await work(directory);
  } catch (error) {
    // Also where git or npm say so.
    if (!/\b(?:ENOSPC|EDQUOT)\b|No space left on device|Disk quota exceeded/.test(messageOf(error))) throw error;
    throw new AppError('no-room', 'there is no room to build in: it takes about 500 MiB', {
      hint: `look for it: df -h ${tmpdir()} ${outDirectory}; another place to work in: TMPDIR=DIR`,
      cause: error,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
