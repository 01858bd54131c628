// cis490 host retire, return.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import type { RetireByHandDesk } from '../../src/receiver/fleet/retire-host.ts';
import { type CommonOptions, examples, prepare, withCommonOptions } from './common.ts';

export function registerHost(program: Command): void {
  const host = program
    .command('host')
    .description('decide about lab hosts; on the receiver')
    .addHelpText('after', examples('cis490 host retire lab-07 --reason "machine scrapped"'));

  withCommonOptions(host.command('retire'))
    .summary('tell nobody any more what is wrong with a host')
    .description('tell nobody any more what is wrong with a host that is gone for good; its episodes stay')
    .argument('<host>', 'its host_id')
    .requiredOption('--reason <text>', 'why, for the record')
    .addHelpText('after', examples('cis490 host retire lab-07 --reason "disk dead, machine scrapped"'))
    .action(async (hostId: string, options: CommonOptions & { reason: string }) => {
      const { retireByHand } = await import('../../src/receiver/fleet/retire-host.ts');
      await atDesk(options, async (desk) => {
        const { host, isNew } = await retireByHand(desk, hostId, options.reason);
        const before = `${host.hostId} was retired at ${host.retiredAt} by ${host.by}: ${host.reason}`;
        process.stdout.write(isNew ? `retired ${host.hostId}\n` : `${before}\n`);
      });
    });

  withCommonOptions(host.command('return'))
    .description('take a retired host back: it is expected to work again')
    .argument('<host>', 'its host_id')
    .addHelpText('after', examples('cis490 host return lab-07'))
    .action(async (hostId: string, options: CommonOptions) => {
      const { returnByHand } = await import('../../src/receiver/fleet/retire-host.ts');
      await atDesk(options, async (desk) => {
        await returnByHand(desk, hostId);
        process.stdout.write(`returned ${hostId}\n`);
      });
    });
}

/** The configuration is read as whoever calls; the store is opened as whom it belongs to. */
async function atDesk(options: CommonOptions, work: (desk: RetireByHandDesk) => Promise<void>): Promise<void> {
  const [{ receiverConfigDefinition }, { becomeOwner, loginName }, { openControl }, { isKnownHost }] =
    await Promise.all([
      import('../../src/receiver/receiver-config.ts'),
      import('../../src/lib/become-owner.ts'),
      import('../../src/storage/open-storage.ts'),
      import('../../src/receiver/fleet/known-host.ts'),
    ]);
  const { config } = await prepare(options, receiverConfigDefinition);
  const by = loginName();
  await becomeOwner(config.store.root);
  const control = await openControl(config.store.root);
  try {
    await work({ control, clock: systemClock, by, isKnown: (hostId) => isKnownHost(config, hostId) });
  } finally {
    await control.close();
  }
}
