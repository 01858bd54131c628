// /.well-known/est/: certificates by RFC 7030. The identity comes from the enrolment token or the old certificate, never from the request
// for a certificate. Each endpoint asks for its own credential.

import type { Context } from 'hono';
import { z } from 'zod';
import { EST, MAX_CSR_BYTES, OLD_CERTIFICATE_HEADER, OLD_KEY_SIGNATURE_HEADER } from '../../../protocol/est.ts';
import type { ProblemCode } from '../../../protocol/problem.ts';
import { trustedOf } from '../../certificates/authority-files.ts';
import { CERTS_ONLY_HEADERS, certsOnly } from '../../certificates/certs-only.ts';
import { type Enrolled, Enroller, type Terms } from '../../certificates/enroller.ts';
import { readOldCertificate } from '../../certificates/old-certificate.ts';
import { MAX_BODY_BYTES, readCsr, type SigningRequest } from '../../certificates/read-csr.ts';
import { type Refused, refused } from '../../identity/authentication.ts';
import { IN_THE_CLEAR } from '../../identity/authenticator.ts';
import { findEnrolmentToken } from '../../identity/enrolment-tokens.ts';
import { readBytes } from '../read-bytes.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem, type RouteEnvironment } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

const NO_AUTHORITY = 'this receiver is no certificate authority; its maintainer makes it one with: cis490 ca init';

const ANSWER = {
  status: 200,
  description: 'PKCS #7 that holds certificates alone, in base64',
  schema: z.string(),
  contentType: CERTS_ONLY_HEADERS['Content-Type'],
} as const;
const BODY = {
  schema: z.string(),
  description: `A PKCS #10 request of at most ${MAX_CSR_BYTES} bytes, in base64; of it only the public key is taken`,
  contentType: 'application/pkcs10',
};
const PROBLEMS: ProblemCode[] = [
  'bad-request',
  'bad-body',
  'credential-missing',
  'credential-invalid',
  'forbidden',
  'not-found',
  'too-large',
  'internal-error',
  'not-ready',
  'disk-full',
];

export function registerEst(routes: RouteTable, dependencies: RouteDependencies): void {
  const enroller = new Enroller(dependencies);
  routes.add(
    {
      method: 'get',
      path: EST.cacerts,
      summary: 'The authorities of the fleet',
      action: undefined,
      answer: ANSWER,
      problems: ['not-found'],
    },
    async ({ context }) => {
      const { set } = dependencies.authority;
      if (!set) return answerProblem(context, 'not-found', NO_AUTHORITY);
      return new Response(await certsOnly(trustedOf(set).map(({ certificate }) => certificate)), {
        headers: CERTS_ONLY_HEADERS,
      });
    },
  );
  routes.add(
    {
      method: 'post',
      path: EST.simpleenroll,
      summary: "A new host's certificate, for an enrolment token",
      description: 'The enrolment token is the password of HTTP Basic. The first key that it enrols may ask again.',
      action: undefined,
      body: BODY,
      answer: ANSWER,
      problems: PROBLEMS,
    },
    async ({ context }) => {
      const { authorization = '' } = context.env.incoming.headers;
      return await answerEnrolment(context, dependencies, async () => {
        const found = await findEnrolmentToken(authorization, dependencies);
        if (found.kind === 'refused') return found;
        return (csr, terms) => enroller.enrol(found.token, csr, terms);
      });
    },
  );
  routes.add(
    {
      method: 'post',
      path: EST.simplereenroll,
      summary: 'Another certificate for a host, for the one that it has',
      description: `The client certificate says who it is; once that has expired, ${OLD_CERTIFICATE_HEADER} and ${OLD_KEY_SIGNATURE_HEADER}.`,
      action: undefined,
      body: BODY,
      answer: ANSWER,
      problems: PROBLEMS,
    },
    async ({ context }) => {
      const { incoming } = context.env;
      return await answerEnrolment(context, dependencies, async () => {
        const old = readOldCertificate(incoming);
        if (old && 'kind' in old) return old;
        if (old) return (csr, terms) => enroller.renewByOldKey(old, csr, terms);
        const known = await dependencies.authenticator.authenticateCertificate(incoming);
        if (known.kind === 'refused') return known;
        const { principal } = known;
        if (principal.role !== 'host') return refused('forbidden', 'only a host has a certificate to renew');
        return (csr, terms) => enroller.renew(principal.hostId, csr, terms);
      });
    },
  );
}

type Issue = (csr: SigningRequest, terms: Terms) => Promise<Enrolled>;

/** What both have in common. The credential is looked at before the body is. */
async function answerEnrolment(
  context: Context<RouteEnvironment>,
  { authority, authenticator, certificates, limits }: RouteDependencies,
  authenticate: () => Promise<Issue | Refused>,
): Promise<Response> {
  const { set } = authority;
  if (!set) return answerProblem(context, 'not-found', NO_AUTHORITY);
  if (!authenticator.isConfidential(context.env.incoming)) {
    return answerProblem(context, 'forbidden', `nobody is enrolled here: ${IN_THE_CLEAR}`);
  }
  const issue = await authenticate();
  if ('kind' in issue) return answerRefusal(context, issue);
  const read = await readBytes(context, limits.pace, MAX_BODY_BYTES);
  if (read.kind === 'refused') return read.answer;
  const parsed = await readCsr(read.bytes);
  if (parsed.kind === 'bad') return answerProblem(context, 'bad-body', parsed.detail);
  const enrolled = await issue(parsed.csr, { authority: set, lifetimeDays: certificates.host_lifetime_days });
  if (enrolled.kind === 'refused') return answerRefusal(context, enrolled);
  return new Response(await certsOnly(enrolled.chain), { headers: CERTS_ONLY_HEADERS });
}

/** curl and others send a password only to who asks for one (RFC 7030, 3.2.3). */
function answerRefusal(context: Context<RouteEnvironment>, { code, detail }: Refused): Response {
  const answer = answerProblem(context, code, detail);
  if (answer.status === 401) answer.headers.set('WWW-Authenticate', 'Basic realm="cis490"');
  return answer;
}
