// What the receiver counts of itself, from its own /metrics, and what the kernel counts of connections that nobody accepted in time.

import { readFileSync } from 'node:fs';

export interface ReceiverCounts {
  connectionLimit: number;
  /** By what was synced. */
  fsyncs: Record<string, number>;
  listenOverflows: number;
}

export async function readReceiverCounts(port: number): Promise<ReceiverCounts> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await answer.text();
  const gauge = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const fsyncs = text.matchAll(/^cis490_fsync_duration_seconds_count\{file="([^"]+)"\} (\d+)$/gm);
  return {
    connectionLimit: gauge('cis490_connections_limit'),
    fsyncs: Object.fromEntries([...fsyncs].map(([, file = '', count]) => [file, Number(count)])),
    listenOverflows: readListenOverflows(),
  };
}

/** man proc, /proc/net/netstat: a line of names, and one of figures below it. */
function readListenOverflows(): number {
  const [names = '', figures = ''] = readFileSync('/proc/net/netstat', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'));
  return Number(figures.split(' ')[names.split(' ').indexOf('ListenOverflows')] ?? 0);
}
