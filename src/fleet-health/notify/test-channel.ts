// `cis490 alerts test`: one message now, beside the queue and whatever the channel's backoff says.

import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { composeTestMessage } from './compose-message.ts';
import type { Notifier, Sent } from './notifier.ts';
import { withinLimit } from './within-limit.ts';

/** Throws `bad-input` for a channel that is not configured, `not-delivered` with what came back. */
export async function testChannel(notifiers: readonly Notifier[], name: string, clock: Clock): Promise<Sent> {
  const notifier = notifiers.find((candidate) => candidate.name === name);
  if (!notifier) throw unknownChannel(notifiers, name);
  return await withinLimit((signal) => notifier.send(composeTestMessage(name, clock.wallTime()), signal));
}

function unknownChannel(notifiers: readonly Notifier[], name: string): AppError {
  const names = notifiers.map((notifier) => notifier.name).join(', ');
  const hint =
    names === '' ? 'none is: add a [[fleet.notifier]] to receiver.toml (see docs/alerts.md)' : `configured: ${names}`;
  return new AppError('bad-input', `no channel is called ${JSON.stringify(name)}`, { hint });
}
