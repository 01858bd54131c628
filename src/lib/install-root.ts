// Where this program's own tree lies.

import { join } from 'node:path';

export const INSTALL_ROOT = join(import.meta.dirname, '..', '..');
