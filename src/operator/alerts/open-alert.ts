// What was decided of an alert, and how grave it looks then.

import { inertLine } from '../../lib/inert-text.ts';
import type { OpenAlert } from '../receiver-answers.ts';
import type { Style } from '../terminal/styles.ts';

/** By gravity. */
const STYLES: readonly [Style, Style, Style] = ['bad', 'warn', 'dim'];

/** Why nobody is told of it; undefined for one that waits for somebody. */
export function whyQuiet({ suppressed, silenced, acknowledged }: OpenAlert): string | undefined {
  if (suppressed) return `explained by ${inertLine(suppressed)}`;
  if (silenced) return 'silenced';
  return acknowledged ? 'acknowledged' : undefined;
}

/** 0 waits for somebody and is critical · 1 waits for somebody · 2 nobody is told. */
export function gravityOf(alert: OpenAlert): 0 | 1 | 2 {
  if (whyQuiet(alert) !== undefined) return 2;
  return alert.severity === 'critical' ? 0 : 1;
}

export function styleOf(alert: OpenAlert): Style {
  return STYLES[gravityOf(alert)];
}

/** Of the gravest; undefined where there is none. */
export function styleOfAll(alerts: readonly OpenAlert[] | null | undefined): Style | undefined {
  return STYLES[Math.min(...(alerts ?? []).map(gravityOf))];
}
