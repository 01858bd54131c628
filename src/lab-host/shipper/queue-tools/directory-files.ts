// The files of one episode with their sizes, for people to read. Follows no link.

import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isMissing } from '../../../lib/app-error.ts';

export interface SizedFile {
  path: string;
  sizeBytes: number;
}

/** By path; what vanishes meanwhile is left out. */
export async function directoryFiles(directory: string): Promise<SizedFile[]> {
  const entries = await ifThere(readdir(directory, { recursive: true, withFileTypes: true }));
  const files: SizedFile[] = [];
  for (const entry of entries ?? []) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const stats = await ifThere(lstat(path));
    if (stats) files.push({ path: relative(directory, path), sizeBytes: stats.size });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export async function directoryBytes(directory: string): Promise<number> {
  return (await directoryFiles(directory)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function ifThere<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
