// Plants one fault in a small fleet of its own and follows it to its end: named within one tick, cured by the printed commands, well again.

import { Machines } from '../support/machines/machines.ts';
import { until } from '../support/until.ts';
import type { Expected, Fault, Finding } from './fault.ts';
import { Lab, RECEIVER } from './lab.ts';

export interface Diagnosis {
  fault: Fault;
  isDetected: boolean;
  isNamed: boolean;
  isCured: boolean;
  /** What went otherwise than the table says; empty when nothing did. */
  problems: string[];
  /** Exactly as it was run. */
  cure: string;
  tookMs: number;
}

/** What was seen in one tick. */
interface Sight {
  findings: readonly Finding[];
  finding: Finding | undefined;
  check: { status: string; summary: string; cure?: string | null | undefined } | undefined;
  state: string | undefined;
}

/** Never rejects. `directory` is the fleet's own. */
export async function diagnose(fault: Fault, directory: string): Promise<Diagnosis> {
  const beganAtMs = performance.now();
  const diagnosis: Diagnosis = {
    fault,
    isDetected: false,
    isNamed: false,
    isCured: false,
    problems: [],
    cure: '',
    tookMs: 0,
  };
  const machines = await Machines.create(directory);
  try {
    await follow(await Lab.start(machines, fault.lab), diagnosis);
  } catch (error) {
    diagnosis.problems.push(error instanceof Error ? `${error.message}` : String(error));
  } finally {
    await machines.close();
  }
  return { ...diagnosis, tookMs: performance.now() - beganAtMs };
}

async function follow(lab: Lab, diagnosis: Diagnosis): Promise<void> {
  const { fault, problems } = diagnosis;
  await fault.plant(lab);
  const sight = await look(lab, fault.expect);
  diagnosis.isDetected = isSeen(sight, fault.expect);
  problems.push(...whatIsNamedWrong(sight, fault.expect));
  diagnosis.isNamed = diagnosis.isDetected && problems.length === 0;

  const { byHand } = fault;
  if (byHand?.when === 'before') await byHand.act(lab);
  const cure = fault.cure === 'fleet-health' ? sight.finding?.suggested_fix : sight.check?.cure;
  if (fault.cure !== 'by-hand') {
    if (!cure) throw new Error('no cure is printed');
    diagnosis.cure = cure;
    const where = fault.cure === 'fleet-health' ? RECEIVER : (fault.expect.doctor?.machine ?? '');
    const { code, all } = await lab.paste(where, cure);
    if (code !== 0) problems.push(`the cure ended with ${code}:\n${cure}\n${all}`);
  }
  if (byHand?.when === 'after') await byHand.act(lab);
  await expectHealth(lab, fault);
  diagnosis.isCured = problems.every((problem) => !problem.startsWith('the cure'));
}

async function look(lab: Lab, { fleetHealth, doctor, fleetView }: Expected): Promise<Sight> {
  const findings = fleetHealth || fleetView ? await lab.tick() : [];
  const finding = findings.find(({ host, symptom }) => host === fleetHealth?.host && symptom === fleetHealth.symptom);
  const report = doctor && (await lab.doctor(doctor.machine));
  const check = report?.checks.find(({ id }) => id === doctor?.check);
  return { findings, finding, check, state: fleetView && (await lab.stateOf(fleetView.host)) };
}

function isSeen({ findings, check, state }: Sight, { fleetHealth, fleetView }: Expected): boolean {
  return (
    findings.some(({ host }) => host === fleetHealth?.host) ||
    (check !== undefined && check.status !== 'green') ||
    (state !== undefined && state !== 'ok' && state === fleetView?.state)
  );
}

function whatIsNamedWrong(sight: Sight, { fleetHealth, doctor, fleetView, besides }: Expected): string[] {
  const { findings, finding, check, state } = sight;
  const wrong: string[] = [];
  const told = findings.map(({ host, symptom, detail }) => `${host} ${symptom}: ${detail}`).join('\n  ');
  if (fleetHealth && !finding)
    wrong.push(`fleet-health does not name ${fleetHealth.host} ${fleetHealth.symptom}, but\n  ${told}`);
  if (fleetHealth && finding && !fleetHealth.detail.test(finding.detail))
    wrong.push(`fleet-health says of it: ${finding.detail}`);
  const others = findings.filter(
    ({ host, symptom }) =>
      fleetHealth !== undefined &&
      host !== fleetHealth.host &&
      !(host === besides?.host && symptom === besides.symptom),
  );
  if (others.length > 0) wrong.push(`fleet-health names others, too:\n  ${told}`);
  if (doctor && (check?.status !== doctor.status || !doctor.summary.test(check.summary)))
    wrong.push(`the doctor’s ${doctor.check} is ${check?.status}: ${check?.summary}`);
  if (fleetView && state !== fleetView.state) wrong.push(`/v1/fleet says ${state} of ${fleetView.host}`);
  return wrong;
}

async function expectHealth(lab: Lab, fault: Fault): Promise<void> {
  const { fleetHealth, doctor } = fault.expect;
  const hosts = fault.storesAgain ?? ['lab-1'];
  for (const host of hosts) await lab.stored(host);
  await fault.healthy?.(lab);
  if (hosts.length > 0) await lab.heard(hosts);
  // Its timer’s next run.
  if (fleetHealth?.symptom === 'unhealthy')
    await lab.machines.sure(fleetHealth.host, 'systemctl start cis490-doctor-check');
  let seen = '';
  const isWell = async () => {
    const { finding, check, state } = await look(lab, fault.expect);
    seen = [finding?.detail, check?.status !== 'green' && check?.summary, state].filter(Boolean).join('; ');
    const isGreen = doctor === undefined || check?.status === 'green' || fault.leaves === check?.status;
    return finding === undefined && isGreen && (state === undefined || state !== fault.expect.fleetView?.state);
  };
  await until(isWell, `what was named is gone (${seen})`).catch((error: Error) => {
    throw new Error(`the cure does not cure: ${error.message} ${seen}`);
  });
}
