// Of the ledger, for each host the time and commit of its last row, kept from run to run so that a run reads what is new alone. What
// it tells is what a full reading would: rows ahead of the clock are kept aside until their time comes.

import { z } from 'zod';
import type { LedgerReader, StoredAt } from '../storage/ledger-reader.ts';
import type { StoredHost } from './observed.ts';

/** More of them are not worth their room: then the ledger is read anew each time. */
const MOST_ASIDE = 100_000;

const rowSchema = z.tuple([z.string(), z.number(), z.string().nullable()]);

export const ledgerMemorySchema = z.object({
  /** Up to where it was read. */
  mark: z.string(),
  /** Host, microseconds since 1970 of its last row, its commit. */
  last: z.array(rowSchema),
  /** Rows ahead of the clock, in the order of the ledger. */
  aside: z.array(rowSchema),
});
export type LedgerMemory = z.infer<typeof ledgerMemorySchema>;

export interface LedgerKnowledge {
  hosts: ReadonlyMap<string, StoredHost>;
  /** Undefined when nothing is to be remembered: the next run reads all. */
  memory: LedgerMemory | undefined;
  badLines: number;
}

export interface ReadLedgerOptions {
  reader: Pick<LedgerReader, 'follow'>;
  remembered: LedgerMemory | undefined;
  /** Microseconds since 1970. */
  nowUs: number;
  /** For tests. */
  mostAside?: number;
}

/** Throws `cannot-read`. */
export async function readLedger(options: ReadLedgerOptions): Promise<LedgerKnowledge> {
  const { reader, remembered, nowUs, mostAside = MOST_ASIDE } = options;
  // What is remembered has forgotten the rows before the last: it tells nothing of an earlier time.
  const isBehind = remembered?.last.some(([, lastUs]) => lastUs > nowUs) ?? false;
  const usable = isBehind ? undefined : remembered;
  const news = await reader.follow(usable?.mark);
  const last = new LastRows(nowUs, mostAside);
  if (usable && !news.isAnew) {
    for (const [hostId, receivedAtUs, commit] of [...usable.last, ...usable.aside]) {
      last.add({ hostId, receivedAtUs, commit: commit ?? undefined });
    }
  }
  for await (const rows of news.rows) for (const row of rows) last.add(row);
  const memory = isBehind || last.hasTooManyAside ? undefined : last.remember(news.mark());
  if (news.unended) last.add(news.unended);
  return { hosts: last.hosts(), memory, badLines: news.badLines() };
}

class LastRows {
  readonly #nowUs: number;
  readonly #mostAside: number;
  readonly #last = new Map<string, StoredAt>();
  readonly #aside: StoredAt[] = [];
  /** Of which all rows are ahead of the clock, beyond those kept aside. */
  readonly #onlyAhead = new Set<string>();
  hasTooManyAside = false;

  constructor(nowUs: number, mostAside: number) {
    this.#nowUs = nowUs;
    this.#mostAside = mostAside;
  }

  /** In the order of the ledger: of two rows with one time the later one counts. */
  add(row: StoredAt): void {
    if (row.receivedAtUs > this.#nowUs) this.#putAside(row);
    else if (row.receivedAtUs >= (this.#last.get(row.hostId)?.receivedAtUs ?? Number.NEGATIVE_INFINITY)) {
      this.#last.set(row.hostId, row);
    }
  }

  #putAside(row: StoredAt): void {
    this.#onlyAhead.add(row.hostId);
    if (this.#aside.length < this.#mostAside) this.#aside.push(row);
    else this.hasTooManyAside = true;
  }

  hosts(): Map<string, StoredHost> {
    const ahead = [...this.#onlyAhead].map((host): [string, StoredHost] => [
      host,
      { lastStoredAtUs: undefined, commit: undefined },
    ]);
    const stored = [...this.#last].map(([host, { receivedAtUs, commit }]): [string, StoredHost] => [
      host,
      { lastStoredAtUs: receivedAtUs, commit },
    ]);
    return new Map([...ahead, ...stored]);
  }

  remember(mark: string): LedgerMemory {
    const asTuple = ({ hostId, receivedAtUs, commit }: StoredAt): z.infer<typeof rowSchema> => [
      hostId,
      receivedAtUs,
      commit ?? null,
    ];
    return { mark, last: Array.from(this.#last.values(), asTuple), aside: this.#aside.map(asTuple) };
  }
}
