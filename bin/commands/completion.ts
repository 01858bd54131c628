// cis490 completion.

import { Argument, type Command } from 'commander';
import { endWithReader, examples, note } from './common.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .summary('print what makes the tab key complete commands')
    .description('print the completion of commands, options and files for a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        'cis490 completion bash > ~/.local/share/bash-completion/completions/cis490',
        'cis490 completion zsh > ~/.zfunc/_cis490',
        'cis490 completion fish > ~/.config/fish/completions/cis490.fish',
      ) +
        note(
          'For zsh, ~/.zfunc must be in $fpath before compinit runs. A new shell knows it; this one after: source FILE',
        ),
    )
    .action(async (shell: Shell) => {
      endWithReader();
      process.stdout.write(await completionFor(shell, program));
    });
}

async function completionFor(shell: Shell, program: Command): Promise<string> {
  const [{ describeCommands }, { completeInBash }, { completeInZsh }, { completeInFish }] = await Promise.all([
    import('../describe-commands.ts'),
    import('../completion/bash.ts'),
    import('../completion/zsh.ts'),
    import('../completion/fish.ts'),
  ]);
  return { bash: completeInBash, zsh: completeInZsh, fish: completeInFish }[shell](describeCommands(program));
}
