// cis490 gate allow, block, unblock, status.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import type { GateDesk } from '../../src/receiver/version-gate/manage-gate.ts';
import { type CommonOptions, endWithReader, examples, prepare, withCommonOptions } from './common.ts';

export function registerGate(program: Command): void {
  const gate = program
    .command('gate')
    .summary('decide which code is trusted, beside the window')
    .description('decide which code is trusted, beside the window; on the receiver')
    .addHelpText('after', examples('cis490 gate status', 'cis490 gate block 4f2a9c1 --why "writes torn frames"'));

  withCommonOptions(gate.command('allow'))
    .summary('accept the episodes of one commit for a time')
    .description('accept the episodes of one commit for a time, though it is outside of the window or blocked')
    .argument('<commit>', 'in full, or the first 7 digits or more of one that the gate knows')
    .requiredOption('--for <time>', 'how long: "2h", "30 min", "3 days"')
    .requiredOption('--why <text>', 'the reason, for the record')
    .addHelpText('after', examples('cis490 gate allow 4f2a9c1 --for 2h --why "hotfix on lab-07, merged tonight"'))
    .action(async (commit: string, options: CommonOptions & { for: string; why: string }) => {
      const { allowCommit } = await import('../../src/receiver/version-gate/manage-gate.ts');
      await atDesk(options, async (desk) => {
        const done = await allowCommit(desk, { commit, forText: options.for, why: options.why });
        const after = done.isBlockedAfter ? ', and blocked again after that' : '';
        process.stdout.write(`allowed ${done.commit} until ${done.until}${after}\n`);
      });
    });

  withCommonOptions(gate.command('block'))
    .summary('refuse the episodes of one commit')
    .description('refuse the episodes of one commit, though it is in the window; ends an allowance of it')
    .argument('<commit>', 'in full, or the first 7 digits or more of one that the gate knows')
    .requiredOption('--why <text>', 'the reason, for the record')
    .addHelpText('after', examples('cis490 gate block 4f2a9c1 --why "writes torn frames"'))
    .action(async (commit: string, options: CommonOptions & { why: string }) => {
      const { blockCommit } = await import('../../src/receiver/version-gate/manage-gate.ts');
      await atDesk(options, async (desk) => {
        const done = await blockCommit(desk, { commit, why: options.why });
        process.stdout.write(`blocked ${done.commit}${done.wasAllowed ? '; its allowance has ended' : ''}\n`);
      });
    });

  withCommonOptions(gate.command('unblock'))
    .description('take a block back: the window alone decides again')
    .argument('<commit>', 'in full, or the first 7 digits or more')
    .addHelpText('after', examples('cis490 gate unblock 4f2a9c1'))
    .action(async (commit: string, options: CommonOptions) => {
      const { unblockCommit } = await import('../../src/receiver/version-gate/manage-gate.ts');
      await atDesk(options, async (desk) => {
        process.stdout.write(`unblocked ${(await unblockCommit(desk, commit)).commit}\n`);
      });
    });

  withCommonOptions(gate.command('status'))
    .summary('tell what the gate knows, and what was decided')
    .description('tell what the gate knows, from whom, and what was decided of single commits')
    .option('--json', 'as GET /v1/version-gate tells it')
    .addHelpText('after', examples('cis490 gate status', 'cis490 gate status --json | jq .head'))
    .action(async (options: CommonOptions & { json?: boolean }) => {
      const [{ readGateStatus }, { describeGateStatus }] = await Promise.all([
        import('../../src/receiver/version-gate/manage-gate.ts'),
        import('../../src/receiver/version-gate/describe-gate-status.ts'),
      ]);
      endWithReader();
      await atDesk(options, async (desk) => {
        const status = await readGateStatus(desk);
        const { refreshedAt, lastError, ...rest } = status;
        process.stdout.write(
          options.json
            ? `${JSON.stringify({ ...rest, refreshed_at: refreshedAt, last_error: lastError }, null, 2)}\n`
            : describeGateStatus(status, systemClock.wallTime()),
        );
      });
    });
}

/** The configuration is read as whoever calls; the store is opened as whom it belongs to. */
async function atDesk(options: CommonOptions, work: (desk: GateDesk) => Promise<void>): Promise<void> {
  const [{ receiverConfigDefinition }, { becomeOwner, loginName }, { openControl }] = await Promise.all([
    import('../../src/receiver/receiver-config.ts'),
    import('../../src/lib/become-owner.ts'),
    import('../../src/storage/open-storage.ts'),
  ]);
  const { config } = await prepare(options, receiverConfigDefinition);
  const by = loginName();
  await becomeOwner(config.store.root);
  const control = await openControl(config.store.root);
  try {
    await work({ config: config.version_gate, storeRoot: config.store.root, control, clock: systemClock, by });
  } finally {
    await control.close();
  }
}
