// Loaded before a test, or a script of the tests: keeps what Node compiles for the next process, where bin/cis490 keeps it, too. Not by the
// environment: programs that a test starts would inherit it, and what they keep by themselves is itself tested.

import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/node-compile'));
