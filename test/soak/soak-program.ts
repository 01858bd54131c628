// One program of the fleet through all its lives: it is started, paused, killed and ended by the soak alone, and what it logs is judged.

import type { Program } from '../support/program.ts';
import { until } from '../support/until.ts';
import { unexpectedLines } from './unexpected-lines.ts';

const TOLD_LINES = 30;

export class SoakProgram {
  readonly name: string;
  readonly #start: () => Promise<Program>;
  readonly #readyLine: RegExp;
  #running: Program | undefined;
  #isPaused = false;
  /** Of all lives. */
  starts = 0;
  /** What it should never have said or done, with the end of its log. */
  readonly faults: string[] = [];

  /** `readyLine`: what it logs once signals do what they are documented to do. */
  constructor(name: string, readyLine: RegExp, start: () => Promise<Program>) {
    this.name = name;
    this.#readyLine = readyLine;
    this.#start = start;
  }

  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  async start(): Promise<void> {
    const program = await this.#start();
    this.#running = program;
    this.starts += 1;
    void program.ended.then(({ code, signal }) => {
      this.#judge(program);
      if (this.#running !== program) return;
      this.#running = undefined;
      this.#fault(program, `ended by itself with ${signal ?? code}`);
    });
  }

  async ready(): Promise<void> {
    await this.#running?.printed(this.#readyLine);
  }

  /** Resolves when it has answered the signal with one more of these lines. */
  async signalled(name: NodeJS.Signals, line: RegExp): Promise<void> {
    await this.ready();
    const program = this.#running;
    const count = () => program?.stderr.match(line)?.length ?? 0;
    const before = count();
    program?.signal(name);
    await until(() => count() > before || this.#running !== program, `${this.name} answers ${name}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#running?.signal(name);
  }

  pause(): void {
    this.#isPaused = true;
    this.signal('SIGSTOP');
  }

  goOn(): void {
    this.#isPaused = false;
    this.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    const program = this.#leave();
    await program?.kill();
  }

  /** By SIGTERM, and so in order. */
  async stop(): Promise<void> {
    if (this.#isPaused) this.goOn();
    await this.ready();
    const program = this.#leave();
    const ended = await program?.stop();
    if (program && ended?.code !== 0) {
      this.#fault(program, `told to stop, it ended with ${ended?.signal ?? ended?.code}`);
    }
  }

  /** Runs `look` while no thread of any of them runs. */
  static async whileAllStandStill<T>(programs: readonly SoakProgram[], look: () => Promise<T>): Promise<T> {
    await Promise.all(programs.map((program) => program.#running?.standStill()));
    try {
      return await look();
    } finally {
      for (const program of programs) if (!program.#isPaused) program.signal('SIGCONT');
    }
  }

  #leave(): Program | undefined {
    const program = this.#running;
    this.#running = undefined;
    this.#isPaused = false;
    return program;
  }

  #judge(program: Program): void {
    for (const line of unexpectedLines(program.stdout + program.stderr).slice(0, 3)) {
      this.#fault(program, `logged what nobody expected: ${line}`);
    }
  }

  #fault(program: Program, what: string): void {
    const tail = program.stderr.trimEnd().split('\n').slice(-TOLD_LINES).join('\n  ');
    this.faults.push(`${this.name} (pid ${program.child.pid}): ${what}\n  ${tail}`);
  }
}
