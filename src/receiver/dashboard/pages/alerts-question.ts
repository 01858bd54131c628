// What is asked of the alerts page: which of its tabs, whose alerts, and the form that is open. Its address is made from the same.

import { SYMPTOM_NAMES, type Symptom } from '../../../protocol/alert.ts';
import { isHostId } from '../../../protocol/ids.ts';

export const TABS = { open: 'Open', acknowledged: 'Acknowledged', silenced: 'Silenced', history: 'History' } as const;
export type Tab = keyof typeof TABS;

export interface AlertsQuestion {
  tab: Tab;
  /** A part of a host's name; empty for all. */
  host: string;
  /** Undefined for all. */
  symptom: Symptom | undefined;
}

export function readQuestion(query: Readonly<Record<string, string>>): AlertsQuestion {
  const { show = '', host = '', symptom } = query;
  return {
    tab: Object.hasOwn(TABS, show) ? (show as Tab) : 'open',
    host: host.trim().slice(0, 64),
    symptom: SYMPTOM_NAMES.find((name) => name === symptom),
  };
}

/** `more`: what else stands in the query. */
export function alertsPath(
  { tab, host, symptom }: AlertsQuestion,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams({
    ...(tab !== 'open' && { show: tab }),
    ...(host !== '' && { host }),
    ...(symptom !== undefined && { symptom }),
    ...more,
  }).toString();
  return query === '' ? '/alerts' : `/alerts?${query}`;
}

export function isAsked({ host, symptom }: AlertsQuestion, alert: { host: string; symptom: Symptom }): boolean {
  return alert.host.toLowerCase().includes(host.toLowerCase()) && (symptom ?? alert.symptom) === alert.symptom;
}

/** Where a form leads back to. Made anew from what it names: whatever was asked for, a page of ours that shows alerts. */
export function backPath(given: string | undefined): string {
  const url = URL.parse(given ?? '', 'http://here');
  if (url?.pathname === '/alerts') return alertsPath(readQuestion(Object.fromEntries(url.searchParams)));
  const hostId = url?.pathname.startsWith('/hosts/') ? url.pathname.slice('/hosts/'.length) : '';
  return isHostId(hostId) ? `/hosts/${hostId}` : '/alerts';
}
