// The one word of a doctor report that the views show. Whatever else a report says is the host's own word.

import { z } from 'zod';

const reportSchema = z.object({ status: z.enum(['green', 'yellow', 'red', 'unknown']) });
export type DoctorStatus = z.infer<typeof reportSchema>['status'];

/** `unknown` for a report that says it otherwise: never green for want of a word. */
export function doctorStatusOf(content: Uint8Array): DoctorStatus {
  try {
    return reportSchema.safeParse(JSON.parse(new TextDecoder().decode(content))).data?.status ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
