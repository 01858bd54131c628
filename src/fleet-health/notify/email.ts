// One plain-text mail by SMTP. Its subject and addresses go through the library, which encodes them: nothing in them ends a header.

import { createTransport } from 'nodemailer';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { inertLine } from '../../lib/inert-text.ts';
import type { EmailConfig, Notifier } from './notifier.ts';

export function email(config: EmailConfig): Notifier {
  const { name, from, to } = config;
  return {
    name,
    told: 'of-changes',
    send: async ({ title, text }, signal) => {
      const transport = createTransport(transportOptions(config));
      try {
        // Auto-Submitted (RFC 3834): no out-of-office note comes back.
        const headers = { 'Auto-Submitted': 'auto-generated' };
        const { rejected, response } = await transport.sendMail({
          from,
          to,
          subject: inertLine(title),
          text,
          headers,
          signal,
        });
        const warning = rejected.length > 0 && {
          warning: `the mail server refused ${rejected.map(inertLine).join(', ')}`,
        };
        return { answer: inertLine(response), ...warning };
      } catch (error) {
        throw new AppError('not-delivered', reasonOf(error, config, signal), { retryable: true });
      } finally {
        transport.close();
      }
    },
  };
}

function transportOptions({ smtp_host, smtp_port, tls, username, password_file }: EmailConfig) {
  return {
    host: smtp_host,
    port: smtp_port,
    secure: tls === 'implicit',
    // Without it, whoever is between could take STARTTLS out of the server's offer.
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(username !== undefined && { auth: { user: username, pass: password_file?.reveal() ?? '' } }),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function reasonOf(error: unknown, { smtp_host, smtp_port, password_file }: EmailConfig, signal: AbortSignal): string {
  const reason = inertLine(messageOf(signal.aborted ? signal.reason : error));
  const password = password_file?.reveal();
  const cleaned = password === undefined ? reason : reason.replaceAll(password, '[redacted]');
  return `the mail server ${smtp_host}:${smtp_port} did not take it: ${cleaned}`;
}
