// A command with its exit code and output, and waiting for something to become true.

import { spawn } from 'node:child_process';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

// Only to end a test that hangs; nothing is measured against it.

export async function runCommand([command = '', ...args]: readonly string[], input = ''): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // Who reads nothing may end before all is written.
  child.stdin.on('error', () => undefined).end(input);
  child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  return await promise;
}

/** Throws with all that was printed when it fails. */
export async function mustRun(command: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, input);
  if (code !== 0) throw new Error(`exit code ${code}: ${command.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}
