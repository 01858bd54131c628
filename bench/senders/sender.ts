// What all have in common that send what a lab host has recorded: each to a server of its own over TLS with certificates on both sides.

import type { IssuedCertificate, TestAuthority } from '../../test/support/certificates.ts';
import type { Usage } from '../measure-command.ts';

export const HOST_ID = 'lab-1';
export const SCHEMA_VERSION = 'bench-1';

/** The certificates of one bench: all servers have the same, and all senders. */
export interface Lab {
  authority: TestAuthority;
  server: IssuedCertificate;
  host: IssuedCertificate;
}

/** Makes one finished episode in `directory`, which is not there yet. */
export type MakeEpisode = (directory: string, episodeId: string) => Promise<void>;

export interface RunningSender {
  /** Lays out what its next turn sends. On nobody's time. */
  lay(episodeIds: readonly string[], make: MakeEpisode): Promise<void>;
  /** From the start of the program to its end. Rejects unless it says that all was taken. */
  send(stop: AbortSignal): Promise<Usage>;
  /** Throws unless the server has each of them, whole. On nobody's time. */
  verify(episodeIds: readonly string[]): Promise<void>;
  /** Where an episode lies on the host once it was sent. */
  sentDirectory(episodeId: string): string;
  /** Where the server keeps what was sent of it. */
  storedFile(episodeId: string): string;
  stop(): Promise<void>;
}

export interface Sender {
  name: string;
  /** The command that installs it, when it is not there. */
  missing(): string | undefined;
  start(directory: string, lab: Lab): Promise<RunningSender>;
}
