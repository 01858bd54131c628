// The processes that share the simulated hosts: started together, ended with whoever started them, and their figures put together.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { percentilesOf } from './percentiles.ts';
import type { HostsAnswer, HostsCommand } from './simulated-hosts.ts';

// For every process to have made its bodies and its schedule.
const START_AFTER_MS = 3_000;

/** The latencies and counts of all. Rejects when a process ends early, or `stop` aborts. */
export async function runHosts(work: Omit<HostsCommand, 'process' | 'startsAtMs'>, stop: AbortSignal) {
  const children = Array.from({ length: work.processes }, () =>
    fork(new URL('simulated-hosts.ts', import.meta.url), { stdio: 'inherit', serialization: 'advanced' }),
  );
  const end = () => {
    for (const child of children) child.kill('SIGTERM');
  };
  stop.addEventListener('abort', end);
  try {
    await Promise.all(children.map((child) => once(child, 'message', { signal: stop })));
    const startsAtMs = Date.now() + START_AFTER_MS;
    return merge(
      await Promise.all(children.map((child, process) => answerOf(child, { ...work, process, startsAtMs }))),
    );
  } finally {
    stop.removeEventListener('abort', end);
    end();
  }
}

async function answerOf(child: ChildProcess, command: HostsCommand): Promise<HostsAnswer> {
  const ended = new AbortController();
  const onExit = () =>
    ended.abort(new Error(`a process of simulated hosts ended with ${child.exitCode ?? child.signalCode}`));
  child.once('exit', onExit);
  child.send(command);
  const [answer] = (await once(child, 'message', { signal: ended.signal })) as [HostsAnswer];
  child.off('exit', onExit);
  return answer;
}

function merge(parts: readonly HostsAnswer[]) {
  const all = (of: (part: HostsAnswer) => Float64Array) =>
    percentilesOf(Float64Array.from(parts.flatMap((part) => [...of(part)])));
  const sum = (of: (part: HostsAnswer) => Record<string, number>) => {
    const total: Record<string, number> = {};
    for (const part of parts)
      for (const [what, count] of Object.entries(of(part))) total[what] = (total[what] ?? 0) + count;
    return total;
  };
  return {
    latencyMs: {
      episode: all(({ latencies }) => latencies.episode),
      heartbeat: all(({ latencies }) => latencies.heartbeat),
      'host-health': all(({ latencies }) => latencies['host-health']),
    },
    latenessMs: all(({ lateness }) => lateness),
    answers: sum(({ answers }) => answers),
    failures: sum(({ failures }) => failures),
    stored: new Map(parts.flatMap(({ stored }) => [...stored])),
  };
}
