// The episodes that are to be in a bag, each once. Where the disk ignores case, the first of two names that it cannot tell apart stands.

import { type EpisodeKey, keyText } from './episode-source.ts';

/** `there`: this episode was met before. `first`: the host or the episode that has its name. */
type AddedName = { kind: 'added' | 'there' } | { kind: 'taken'; first: string };

export class EpisodeNames {
  readonly #ignoresCase: boolean;
  /** Host → episodes. */
  readonly #byHost = new Map<string, Set<string>>();
  /** In lower case → as it is written; hosts and episodes. */
  readonly #written = new Map<string, string>();
  readonly #refused = new Set<string>();

  constructor(ignoresCase: boolean) {
    this.#ignoresCase = ignoresCase;
  }

  has({ hostId, episodeId }: EpisodeKey): boolean {
    return this.#byHost.get(hostId)?.has(episodeId) ?? false;
  }

  add(key: EpisodeKey): AddedName {
    if (this.has(key) || this.#refused.has(keyText(key))) return { kind: 'there' };
    const first = this.#ignoresCase ? this.#takenBy(key) : undefined;
    if (first !== undefined) {
      this.#refused.add(keyText(key));
      return { kind: 'taken', first };
    }
    this.#byHost.getOrInsertComputed(key.hostId, () => new Set()).add(key.episodeId);
    return { kind: 'added' };
  }

  /** A host's name is its directory's. */
  #takenBy(key: EpisodeKey): string | undefined {
    for (const text of [key.hostId, keyText(key)]) {
      const first = this.#written.get(text.toLowerCase());
      if (first !== undefined && first !== text) return first;
      this.#written.set(text.toLowerCase(), text);
    }
    return undefined;
  }
}
