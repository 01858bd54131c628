// A list of lab hosts in a text file: one on a line, `#` begins a comment.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf } from '../../lib/app-error.ts';
import { configPath } from '../../lib/config/config-path.ts';
import { addMistake, type ConfigContext } from '../../lib/config/define-config.ts';
import { isHostId } from '../../protocol/ids.ts';

/** Output: the host ids in the file. */
export function hostsFile(context: ConfigContext) {
  return configPath(context).transform((path, issues): string[] => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      addMistake(issues, messageOf(error), 'the path of a readable text file with a host id on each line');
      return z.NEVER;
    }
    const names = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
    names.forEach((name, index) => {
      if (name !== '' && !isHostId(name)) {
        addMistake(issues, `"${name}" on line ${index + 1} of ${path}`, 'a host id on each line');
      }
    });
    return names.filter((name) => name !== '');
  });
}
