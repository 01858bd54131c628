// One way to tell people: what a channel is configured with, and what it does with a message.

import type { Secret } from '../../lib/config/secret-file.ts';
import type { Message } from './message.ts';

export type NotifierConfig =
  | { kind: 'webhook'; name: string; url: string; secret_file?: Secret | undefined }
  | { kind: 'ntfy'; name: string; url: string; token_file?: Secret | undefined }
  | { kind: 'alertmanager'; name: string; url: string }
  | EmailConfig;

export interface EmailConfig {
  kind: 'email';
  name: string;
  smtp_host: string;
  smtp_port: number;
  tls: 'starttls' | 'implicit' | 'none';
  username?: string | undefined;
  password_file?: Secret | undefined;
  from: string;
  to: string[];
}

export interface Sent {
  /** What came back, in one line. */
  answer: string;
  /** What the channel did not take although it took the message. */
  warning?: string;
}

export interface Notifier {
  name: string;
  /** `of-all`: it keeps states of its own, and is told at each run of all that fires; beside that once of what is resolved. */
  told: 'of-changes' | 'of-all';
  /** Resolves when it was taken. Throws `not-delivered`, with nothing secret in it; ends by itself when `signal` aborts. */
  send(message: Message, signal: AbortSignal): Promise<Sent>;
}
