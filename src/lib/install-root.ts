// Where this program's own tree lies, and what it is installed in.

import { join } from 'node:path';

export const INSTALL_ROOT = join(import.meta.dirname, '..', '..');

/** Of a release, `<base>/releases/<name>`, the base: what holds whatever the release. Of any other tree itself. */
export function installBase(installRoot: string): string {
  const [, base = installRoot] = /^(.+)\/releases\/[^/]+$/.exec(installRoot) ?? [];
  return base;
}
