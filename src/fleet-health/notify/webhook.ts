// A POST of one JSON document. With a secret it is signed as GitHub signs: HMAC-SHA-256 of the body as it was sent. The time is in the
// body and so under the signature: whoever checks both takes no old message for a new one.

import { createHmac } from 'node:crypto';
import type { Secret } from '../../lib/config/secret-file.ts';
import { callUrl } from './call-url.ts';
import { type Message, type MessageAlert, type MessageGroup, MOST_NAMES } from './message.ts';
import type { Notifier } from './notifier.ts';

/** Raised when a field changes its meaning or goes; new fields are no reason. */
const DOCUMENT_VERSION = 1;

export function webhook({ name, url, secret }: { name: string; url: string; secret: Secret | undefined }): Notifier {
  return {
    name,
    told: 'of-changes',
    send: async (message, signal) => {
      const body = JSON.stringify(documentOf(message));
      const key = secret?.reveal();
      const headers = {
        'Content-Type': 'application/json',
        ...(key !== undefined && { 'X-Cis490-Signature': signatureOf(body, key) }),
      };
      const secrets = key === undefined ? [] : [key];
      return { answer: await callUrl({ url, method: 'POST', headers, body, signal, secrets }) };
    },
  };
}

function signatureOf(body: string, key: string): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
}

function documentOf({ generatedAt, status, title, text, groups, alerts }: Message) {
  return {
    version: DOCUMENT_VERSION,
    generated_at: generatedAt,
    status,
    title,
    text,
    groups: groups.map(groupDocument),
    alerts: alerts.map(alertDocument),
  };
}

function groupDocument({ kind, symptom, severity, alerts }: MessageGroup) {
  return {
    kind,
    symptom,
    severity,
    count: alerts.length,
    hosts: alerts.slice(0, MOST_NAMES).map(({ host }) => host),
    suggested_fix: alerts[0].suggestedFix,
  };
}

function alertDocument(alert: MessageAlert) {
  return {
    id: alert.id,
    host: alert.host,
    symptom: alert.symptom,
    severity: alert.severity,
    kind: alert.kind,
    detail: alert.detail,
    suggested_fix: alert.suggestedFix,
    first_at: alert.firstAt,
    resolved_at: alert.resolvedAt,
    acknowledged: alert.acknowledged,
  };
}
