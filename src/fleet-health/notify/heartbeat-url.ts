// The dead-man's switch: a call after each good run. What rings when the calls end is elsewhere; a call that fails is a warning here.

import { messageOf } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { callUrl } from './call-url.ts';
import { withinLimit } from './within-limit.ts';

/** Never throws. */
export async function callHeartbeatUrl(url: string, logger: Logger): Promise<void> {
  try {
    await withinLimit((signal) => callUrl({ url, method: 'GET', signal }));
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'the heartbeat URL did not take the call of this run');
  }
}
