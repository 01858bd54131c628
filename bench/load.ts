// The load generator: a process of its own, the same for every server. Bodies and digests exist before a clock starts, connections
// are kept alive, and every answer's status is checked.

import { createHash, randomBytes } from 'node:crypto';
import { Agent, type ClientRequest, request } from 'node:http';

export interface Episode {
  hostId: string;
  episodeId: string;
  /** Which of the prepared bodies it carries. */
  body: number;
}

export type LoadCommand =
  | { does: 'prepare'; sizeBytes: number; count: number }
  | { does: 'put'; port: number; atOnce: number; commit: string; expectedStatus: number; episodes: Episode[] }
  | { does: 'expect'; port: number; commit: string; episode: Episode };

export type LoadAnswer =
  | { kind: 'prepared'; sha256s: string[] }
  | { kind: 'done'; seconds: number }
  | { kind: 'expected'; status: number; bodyWasAskedFor: boolean }
  | { kind: 'failed'; message: string };

interface Body {
  bytes: Buffer;
  sha256: string;
}

let bodies: Body[] = [];
const agents = new Map<number, Agent>();

process.on('message', (command: LoadCommand) => {
  obey(command).then(tell, (error: unknown) => tell({ kind: 'failed', message: String(error) }));
});
process.on('disconnect', () => process.exit(0));

async function obey(command: LoadCommand): Promise<LoadAnswer> {
  if (command.does === 'put') return { kind: 'done', seconds: await putAll(command) };
  if (command.does === 'expect') return { kind: 'expected', ...(await putWithExpect(command)) };
  bodies = Array.from({ length: command.count }, () => {
    const bytes = randomBytes(command.sizeBytes);
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  return { kind: 'prepared', sha256s: bodies.map(({ sha256 }) => sha256) };
}

/** As many workers as connections; each sends its next PUT when its last one was answered. Returns the seconds of all. */
async function putAll(command: Extract<LoadCommand, { does: 'put' }>): Promise<number> {
  const { port, atOnce, commit, expectedStatus, episodes } = command;
  let next = 0;
  const worker = async () => {
    for (let episode = episodes[next++]; episode; episode = episodes[next++]) {
      const { status, answer } = await put(port, commit, episode);
      if (status !== expectedStatus) {
        throw new Error(`port ${port} answered ${status}, not ${expectedStatus}, to ${pathOf(episode)}: ${answer}`);
      }
    }
  };
  const startedAt = process.hrtime.bigint();
  await Promise.all(Array.from({ length: atOnce }, worker));
  return Number(process.hrtime.bigint() - startedAt) / 1e9;
}

function put(port: number, commit: string, episode: Episode): Promise<{ status: number; answer: string }> {
  return new Promise((resolve, reject) => {
    const { sent, body } = begin(port, commit, episode, {});
    sent.on('error', reject);
    sent.on('response', (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        answer += text;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, answer }));
    });
    sent.end(body.bytes);
  });
}

/** Sends the headers alone and waits for what the server says to `Expect: 100-continue`. */
function putWithExpect({
  port,
  commit,
  episode,
}: Extract<LoadCommand, { does: 'expect' }>): Promise<{ status: number; bodyWasAskedFor: boolean }> {
  return new Promise((resolve, reject) => {
    const { sent, body } = begin(port, commit, episode, { Expect: '100-continue' });
    let bodyWasAskedFor = false;
    sent.on('error', reject);
    sent.on('continue', () => {
      bodyWasAskedFor = true;
      sent.end(body.bytes);
    });
    sent.on('response', (response) => {
      response.resume();
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, bodyWasAskedFor });
        sent.destroy();
      });
    });
    sent.flushHeaders();
  });
}

function begin(
  port: number,
  commit: string,
  episode: Episode,
  extra: Record<string, string>,
): { sent: ClientRequest; body: Body } {
  const body = bodies[episode.body];
  if (!body) throw new Error(`body ${episode.body} was never prepared`);
  let agent = agents.get(port);
  if (!agent) {
    agent = new Agent({ keepAlive: true, maxSockets: 64 });
    agents.set(port, agent);
  }
  const headers = {
    'Content-Length': body.bytes.byteLength,
    'X-Content-SHA256': body.sha256,
    'X-Cis490-Code-Commit': commit,
    ...extra,
  };
  const sent = request({ host: '127.0.0.1', port, method: 'PUT', path: pathOf(episode), agent, headers });
  return { sent, body };
}

function pathOf({ hostId, episodeId }: Episode): string {
  return `/v1/episodes/${hostId}/${episodeId}.tar.zst`;
}

function tell(answer: LoadAnswer): void {
  process.send?.(answer);
}
