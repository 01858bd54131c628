// A POST of plain text to an ntfy topic, with Title, Priority and Tags as headers: https://docs.ntfy.sh/publish/

import type { Secret } from '../../lib/config/secret-file.ts';
import { inertLine } from '../../lib/inert-text.ts';
import { callUrl } from './call-url.ts';
import type { Message } from './message.ts';
import type { Notifier } from './notifier.ts';

/** ntfy makes an attachment of a longer text, or refuses it. */
const LONGEST_TEXT_BYTES = 4_096;
const LONGEST_TITLE = 150;
const CUT = '\n… cis490 alerts has the rest\n';

export function ntfy({ name, url, token }: { name: string; url: string; token: Secret | undefined }): Notifier {
  return {
    name,
    told: 'of-changes',
    send: async (message, signal) => {
      const key = token?.reveal();
      const headers = {
        'Content-Type': 'text/plain; charset=utf-8',
        Title: asciiLine(message.title, LONGEST_TITLE),
        ...lookOf(message),
        ...(key !== undefined && { Authorization: `Bearer ${key}` }),
      };
      const secrets = key === undefined ? [] : [key];
      const body = cutToBytes(message.text);
      return { answer: await callUrl({ url, method: 'POST', headers, body, signal, secrets }) };
    },
  };
}

/** Headers carry ASCII alone: one line that ends none, and no more than so many characters. */
function asciiLine(text: string, mostCharacters: number): string {
  const line = inertLine(text).replace(/[^\x20-\x7e]/g, '?');
  return line.length <= mostCharacters ? line : `${line.slice(0, mostCharacters - 3)}...`;
}

/** Priorities: 5 is the one that rings through; 3 is the default. Tags that name an emoji are shown as it. */
function lookOf({ status, severity }: Message): { Priority: string; Tags: string } {
  if (status === 'test') return { Priority: '3', Tags: 'test_tube' };
  if (severity === 'critical') return { Priority: '5', Tags: 'rotating_light' };
  return { Priority: '3', Tags: severity === 'warning' ? 'warning' : 'white_check_mark' };
}

/** At the end of a line. */
function cutToBytes(text: string): string {
  if (Buffer.byteLength(text) <= LONGEST_TEXT_BYTES) return text;
  let cut = '';
  for (const line of text.split('\n')) {
    if (Buffer.byteLength(`${cut}${line}\n${CUT}`) > LONGEST_TEXT_BYTES) break;
    cut += `${line}\n`;
  }
  return cut.trimEnd() + CUT;
}
