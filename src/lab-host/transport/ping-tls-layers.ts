// The layers of TLS: whether the receiver is who it should be, and whether it lets this host in. No credential goes to one that is not trusted.

import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { classifyNetworkError } from './classify-network-error.ts';
import { failed, type Layer, type LayerOutcome, type PingPath } from './ping-layers.ts';
import { connectTo, serverNameOf, within } from './ping-network-layers.ts';

const DATE_CODES = new Set(['certificate-expired', 'certificate-not-yet-valid']);

// What one who wants a certificate of this host says, and how one ends it who says nothing.
const ENDED_BY_PEER = /^(?:client-certificate-refused|tls-failed|econnreset)$/;

interface Handshake {
  /** Node's code for why the certificate is not trusted; undefined when it is. */
  distrust: string | undefined;
  certificate: PeerCertificate;
  protocol: string;
}

export const tlsLayer: Layer = async (path) => {
  if (path.url.protocol !== 'https:') return { status: 'not used', detail: `${path.url.origin} is without TLS` };
  const handshake = await shakeHands(path);
  // Of TLS 1.2 a refusal of this host's certificate ends the handshake itself: the next layer tells it.
  if (handshake === 'refused') return { status: 'ok', detail: 'the receiver asks for a certificate of this host' };
  const { certificate, protocol, distrust } = handshake;
  if (distrust !== undefined) return await explainDistrust(path, distrust, certificate);
  return { status: 'ok', detail: `${protocol}, ${describe(certificate)}` };
};

/** Of TLS 1.3 a refusal comes after the handshake, in place of the first answer (RFC 8446, 4.4.2.4). */
export const clientCertificateLayer: Layer = async (path) => {
  if (path.url.protocol !== 'https:') return { status: 'not used', detail: `${path.url.origin} is without TLS` };
  const hasCertificate = path.credentials.current().tls.cert !== undefined;
  try {
    const { answer } = await path.ping();
    // nginx and others answer in HTTP.
    if ([400, 495, 496].includes(answer.status) && /certificate/i.test(answer.body))
      return refused(hasCertificate, `status ${answer.status}: ${answer.body.slice(0, 200)}`);
  } catch (error) {
    if (ENDED_BY_PEER.test(codeOf(error))) return refused(hasCertificate, messageOf(error));
    // Anything else is not about certificates: the next layer tells it.
  }
  return hasCertificate
    ? { status: 'ok', detail: "this host's certificate was not refused" }
    : { status: 'not used', detail: 'none is configured, and the receiver does without' };
};

function refused(hasCertificate: boolean, why: string): LayerOutcome {
  return hasCertificate ? failed('client-certificate-refused', why) : failed('client-certificate-missing', why);
}

async function shakeHands(path: PingPath): Promise<Handshake | 'refused'> {
  const socket = await connectTo(path);
  const secure = connectTls({
    socket,
    // So that the certificate of one who is not trusted can be looked at. Nothing is sent over this connection.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...path.credentials.current().tls,
    ...serverNameOf(path.url),
  });
  let hasKeys = false;
  secure.on('keylog', (line: Buffer) => {
    // Written once the receiver has said all of its part of a TLS 1.2 handshake.
    hasKeys ||= line.toString('latin1').startsWith('CLIENT_RANDOM');
  });
  try {
    const made = once(secure, 'secureConnect');
    await within(path.timeoutMs, made, 'connect-timeout', `no TLS handshake within ${path.timeoutMs} ms`);
    const error: unknown = secure.authorizationError;
    const distrust = secure.authorized
      ? undefined
      : typeof error === 'string'
        ? error
        : (errnoOf(error) ?? 'tls-failed');
    return { distrust, certificate: secure.getPeerCertificate(), protocol: secure.getProtocol() ?? 'TLS' };
  } catch (error) {
    if (hasKeys && ENDED_BY_PEER.test(codeOf(error))) return 'refused';
    throw error;
  } finally {
    secure.destroy();
    socket.destroy();
  }
}

async function explainDistrust(path: PingPath, distrust: string, certificate: PeerCertificate): Promise<LayerOutcome> {
  const code = codeOf(new AppError(distrust, distrust));
  const detail = `${describe(certificate)} (${distrust})`;
  if (!DATE_CODES.has(code)) return failed(code, detail);
  const here = path.clock.wallTime();
  const there = await dateOfReceiver(path).catch(() => undefined);
  const clocks = `the clock here says ${here}, the receiver's ${there?.toISOString() ?? 'is not known'}`;
  const isValidThere =
    there !== undefined && new Date(certificate.valid_from) <= there && there <= new Date(certificate.valid_to);
  if (!isValidThere) return failed(code, `${detail}; ${clocks}`);
  return failed('clock-wrong', `${detail}; ${clocks}: by the receiver's it is valid now`);
}

/** Its Date header, asked for without a credential. */
async function dateOfReceiver({ url, timeoutMs }: PingPath): Promise<Date | undefined> {
  const request = httpsRequest(new URL('/healthz', url), {
    agent: false,
    rejectUnauthorized: false,
    signal: AbortSignal.timeout(timeoutMs),
  });
  request.end();
  const [response] = await once(request, 'response');
  response.resume();
  request.destroy();
  const date = new Date(response.headers.date ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function describe({ subject, subjectaltname, valid_from, valid_to }: PeerCertificate): string {
  const names = subjectaltname ?? `CN=${subject?.CN ?? '?'}`;
  return `certificate for ${names}, valid from ${valid_from} to ${valid_to}`;
}

function codeOf(error: unknown): string {
  return classifyNetworkError(error).code;
}
