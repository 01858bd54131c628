// What the shipper's log says of the last ten minutes, the gravest first: refused by the gate (412), refused as malformed or unstamped (400),
// refused for another reason, to be tried again.

import { createReadStream } from 'node:fs';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { type CheckResult, green, red, unknown, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { ShipperLogTally } from '../tally-shipper-log.ts';

const UNIT = 'cis490-shipper';
const UNREADABLE = /insufficient permissions|not seeing messages from other users/i;
// What the shipper itself wrote may say such words, too.
const JOURNALCTL_SAYS = /^(?:Hint: |No journal files were opened)/;
const NO_JOURNAL = /no journal files were found/i;

export const shippingErrorsCheck: Check<'shipping-errors'> = {
  id: 'shipping-errors',
  timeoutMs: 15_000,
  async run(context) {
    const { journalFile } = context;
    if (journalFile !== undefined) return judge(await tallyOf(createInterface(createReadStream(journalFile))), context);
    const answer = await context.run('journalctl', ['-u', UNIT, '--since', '-10min', '--output=cat', '--no-pager']);
    if (answer.kind === 'absent') return unknown('there is no journalctl here');
    const ownLines = answer.stdout.split('\n').filter((line) => JOURNALCTL_SAYS.test(line));
    if (UNREADABLE.test(answer.stderr) || ownLines.some((line) => UNREADABLE.test(line))) return notPermitted(context);
    if (answer.code !== 0 || NO_JOURNAL.test(answer.stderr))
      return unknown(
        `the journal could not be read: ${answer.stderr.trim() || `exit code ${answer.code}`}`,
        `sudo journalctl -u ${UNIT} -n 20`,
      );
    return judge(await tallyOf(answer.stdout.split('\n')), context);
  },
};

function judge(tally: ShipperLogTally, { cures }: DoctorContext): CheckResult {
  const [outOfWindow, malformed] = [tally.count('outOfWindow'), tally.count('malformed')];
  const [others, transient] = [tally.count('otherRefusals'), tally.count('transient')];
  const list = cures.cis490('quarantine list');
  const asMalformed: Also = [malformed, 'rejected as unstamped or malformed'];
  const asOthers: Also = [others, 'refused for other reasons'];
  const forNow: Also = [transient, 'failed for now'];
  if (outOfWindow > 0) {
    const [code = 'commit-not-in-window'] = tally.codes;
    const requeue = cures.cis490(`quarantine requeue --code ${shellWord(code)}`);
    const summary = `${outOfWindow} ship(s) rejected as out-of-window`;
    return red(summary + also(asMalformed, asOthers, forNow), ...cures.update, requeue);
  }
  if (malformed > 0) {
    const summary = `${malformed} ship(s) rejected as unstamped or malformed`;
    return red(summary + also(asOthers, forNow), ...cures.stamp, list);
  }
  if (others > 0) return red(`${others} ship(s) refused for good${also(forNow)}`, list);
  if (transient === 0) return green('none in the last 10 minutes');
  const look = [cures.cis490('shipper --ping'), cures.cis490('shipper status')];
  return yellow(`${transient} ship(s) failed for now, and are tried again`, ...look);
}

type Also = readonly [count: number, what: string];

function also(...kinds: Also[]): string {
  const said = kinds.flatMap(([count, what]) => (count > 0 ? `${count} ${what}` : []));
  return said.length === 0 ? '' : `; also ${said.join(', ')}`;
}

function notPermitted({ user, cures }: DoctorContext): CheckResult {
  const self = process.getuid?.();
  const isSomebodyElse = self !== 0 && self !== user.uid;
  // Where the service has no user of its own, the units would run as this one.
  const name = user.uid === 0 ? 'cis490' : user.name;
  return unknown(
    `${isSomebodyElse ? userInfo().username : name} may not read the journal`,
    `sudo usermod -a -G systemd-journal ${shellWord(name)}`,
    ...(isSomebodyElse ? [cures.again] : []),
  );
}

async function tallyOf(lines: Iterable<string> | AsyncIterable<string>): Promise<ShipperLogTally> {
  const tally = new ShipperLogTally();
  for await (const line of lines) tally.add(line);
  return tally;
}
