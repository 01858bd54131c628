// Where this program's own tree lies, and which code it is: the VERSION stamped into it at install.

import { join } from 'node:path';

export const INSTALL_ROOT = join(import.meta.dirname, '..', '..');
