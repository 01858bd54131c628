// cis490 help.

import type { Command } from 'commander';
import { findSubcommand } from '../usage-errors.ts';
import { examples } from './common.ts';

export function registerHelp(program: Command): void {
  program
    .command('help')
    .description('tell how a command is used; without one, which there are')
    .argument('[command...]', 'its name, word by word')
    .addHelpText('after', examples('cis490 help', 'cis490 help doctor', 'cis490 help alerts silence'))
    .action((names: string[]) => names.reduce(findSubcommand, program).outputHelp());
}
