// /alerts, and the decisions that are taken there: the same work as the API's, and back to where the form was.

import type { Alert } from '../../../storage/monitor-state.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import { acknowledgeAlert, endSilence, makeSilence } from '../../alerts/decide.ts';
import { type SortedAlerts, sortAlerts } from '../../alerts/sort-alerts.ts';
import type { RouteDependencies } from '../../http/route-dependencies.ts';
import { allows, nameOf } from '../../identity/principal.ts';
import type { Dashboard } from '../dashboard.ts';
import type { Page, PageCall } from '../page.ts';
import { readReason, readSilenceFields, silenceMistake } from './alerts-fields.ts';
import { EMPTY_FORM, type FormState, type OpenForm } from './alerts-forms.ts';
import { alertsPath, backPath, readQuestion } from './alerts-question.ts';
import { alertsView } from './alerts-view.ts';

const ENDED_MEANWHILE = 'That alert is over: nothing is left to be acknowledged.';

export function registerAlertsPage(
  dashboard: Dashboard,
  dependencies: RouteDependencies,
  alertBoard: AlertBoard,
): void {
  const { monitorState } = dependencies;
  const decisions = { ...dependencies, alertBoard };

  const shown = async (
    call: PageCall,
    form?: (sorted: SortedAlerts) => OpenForm | undefined,
    status?: Page['status'],
  ) => {
    const sorted = await sortAlerts(monitorState, call.now);
    return alertsView({
      sorted,
      question: readQuestion(call.query),
      form: form?.(sorted),
      mayAcknowledge: allows(call.principal, 'acknowledge-alert'),
      maySilence: allows(call.principal, 'silence-alerts'),
      ...(status !== undefined && { status }),
      now: call.now,
    });
  };

  dashboard.page('/alerts', 'read-alerts', (call) => shown(call, (sorted) => askedForm(call, sorted)));

  dashboard.form('/alerts/:id/acknowledge', 'acknowledge-alert', async (call) => {
    const { context, fields, principal } = call;
    const id = context.req.param('id') ?? '';
    const back = backPath(fields['back']);
    const read = readReason(fields);
    if (read.kind === 'mistaken')
      return await shown(call, (sorted) => acknowledgeForm(sorted, id, read.form, back), 400);
    const outcome = await acknowledgeAlert(decisions, id, { by: nameOf(principal), reason: read.value.reason });
    if (outcome.kind === 'not-found') return 'not-found';
    if (outcome.kind === 'resolved') return await shown(call, () => ({ kind: 'told', text: ENDED_MEANWHILE }), 404);
    return { goTo: back };
  });

  dashboard.form('/silences', 'silence-alerts', async (call) => {
    const { fields, principal } = call;
    const back = backPath(fields['back']);
    const again = (form: FormState) => shown(call, () => ({ kind: 'silence', form, back }), 400);
    const read = readSilenceFields(fields);
    if (read.kind === 'mistaken') return await again(read.form);
    const made = await makeSilence(decisions, read.value, nameOf(principal));
    return made.kind === 'bad' ? await again(silenceMistake(fields, made.detail)) : { goTo: back };
  });

  dashboard.form('/silences/:id/end', 'silence-alerts', async ({ context, fields, principal, now }) => {
    const id = context.req.param('id') ?? '';
    const hasEnded = await endSilence(decisions, id, nameOf(principal));
    // One that has ended by itself, or by somebody else, is what was asked for.
    const isKnown = hasEnded || (await monitorState.listSilences(now)).some((silence) => silence.id === id);
    return isKnown ? { goTo: backPath(fields['back']) } : 'not-found';
  });
}

/** What the address opens, for who may send it. */
function askedForm({ query, principal }: PageCall, sorted: SortedAlerts): OpenForm | undefined {
  const { acknowledge, silence, host = '', symptom = '' } = query;
  // To silence one is to look for it: that is no filter to come back to.
  const asked = readQuestion(silence === undefined ? query : { show: query['show'] ?? '' });
  const back = backPath(query['back'] ?? alertsPath(asked));
  if (acknowledge !== undefined && allows(principal, 'acknowledge-alert'))
    return acknowledgeForm(sorted, acknowledge, EMPTY_FORM, back);
  if (silence !== undefined && allows(principal, 'silence-alerts'))
    return { kind: 'silence', form: { typed: { host, symptom }, mistakes: {} }, back };
  return undefined;
}

function acknowledgeForm(sorted: SortedAlerts, id: Alert['id'], form: FormState, back: string): OpenForm {
  const firing = [...sorted.open, ...sorted.acknowledged, ...sorted.silenced];
  const alert = firing.find((candidate) => candidate.id === id);
  return alert ? { kind: 'acknowledge', alert, form, back } : { kind: 'told', text: ENDED_MEANWHILE };
}
