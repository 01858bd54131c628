// receiver-down: the receiver does not answer, or answers and could not store.

import { WHOLE_FLEET } from '../../protocol/alert.ts';
import type { Detector } from '../observed.ts';

export const receiverDown: Detector = {
  symptom: 'receiver-down',
  rests: ['receiver'],
  detect: ({ receiver }) => {
    if (!receiver || receiver.kind === 'well') return [];
    const suggestedFix =
      receiver.kind === 'down'
        ? 'sudo systemctl restart cis490-receiver && systemctl status cis490-receiver # on the receiver'
        : 'df -h -i /var/lib/cis490; findmnt -T /var/lib/cis490 # on the receiver';
    return [{ host: WHOLE_FLEET, symptom: 'receiver-down', detail: receiver.detail, suggestedFix }];
  },
};
