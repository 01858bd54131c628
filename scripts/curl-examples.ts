// An example with curl for each operation. `$URL`, `$auth` and `$COMMIT` are set as the page says; a test runs all of them.

import type { Operation } from './read-contract.ts';

const PLACES: Record<string, string> = {
  host_id: 'lab-07',
  episode_id: 'run-17',
  commit: '$COMMIT',
  platform: 'linux-x64',
  alert_id: '1a2b3c4d',
  silence_id: '9f8e7d6c',
  upload_id: '00112233445566778899aabbccddeeff',
};

interface Example {
  options?: string;
  query?: string;
  /** In place of the credential that the others send. */
  credential?: string;
}

const CSR = `-H 'Content-Type: application/pkcs10' --data-binary "$(base64 host.csr)"`;
const TUS = `-H 'Tus-Resumable: 1.0.0'`;
const METADATA = [
  'host_id $(printf lab-07 | base64)',
  'episode_id $(printf run-17 | base64)',
  `sha256 $(sha256sum run-17.tar.zst | head -c 64 | base64 -w 0)`,
  'commit $(printf %s "$COMMIT" | base64 -w 0)',
].join(',');
const because = (reason: string) => `--json '{"reason": "${reason}"}'`;

const EXAMPLES: Record<string, Example> = {
  'PUT /v1/episodes/{host_id}/{episode_id}.tar.zst': {
    options: `-T run-17.tar.zst -H "X-Content-SHA256: $(sha256sum run-17.tar.zst | cut -d ' ' -f 1)" -H "X-Cis490-Code-Commit: $COMMIT"`,
  },
  'GET /v1/episodes/{host_id}/{episode_id}.tar.zst': { options: '-o run-17.tar.zst' },
  'DELETE /v1/episodes/{host_id}/{episode_id}.tar.zst': { query: '?reason=the+camera+was+covered' },
  'POST /v1/uploads': {
    options: `${TUS} -H "Upload-Length: $(stat -c %s run-17.tar.zst)" -H "Upload-Metadata: ${METADATA}"`,
  },
  'HEAD /v1/uploads/{upload_id}': { options: `-I ${TUS}` },
  'PATCH /v1/uploads/{upload_id}': {
    options: `-X PATCH ${TUS} -H 'Upload-Offset: 0' -H 'Content-Type: application/offset+octet-stream' --data-binary @run-17.tar.zst`,
  },
  'DELETE /v1/uploads/{upload_id}': { options: TUS },
  'GET /v1/episodes': { query: '?host=lab-07&since=2026-05-01&limit=10' },
  'GET /v1/index': { query: '?after=0' },
  'GET /v1/alerts': { query: '?state=firing' },
  'POST /v1/alerts/{alert_id}/acknowledge': { options: because('disk ordered') },
  'POST /v1/silences': { options: `--json '{"host": "lab-07", "for": "2h", "reason": "moves to another rack"}'` },
  'POST /v1/fleet/{host_id}/retire': { options: because('disk dead, machine scrapped') },
  'PUT /v1/host-health/{host_id}': { options: `-X PUT --json '{"status": "green"}'` },
  'POST /v1/heartbeat': {
    options: `--json '{"host_id": "lab-07", "sent_at_wall": "2026-05-01T06:37:53Z", "machine": "m-1", "boot_id": "b-1"}'`,
  },
  'GET /v1/version-gate': { query: '?commit=$COMMIT' },
  'GET /v1/releases/head': { query: '?platform=linux-x64' },
  'GET /v1/releases/{commit}/{platform}.tar.zst': { options: '-o release.tar.zst' },
  'GET /v1/events': { options: '-N' },
  'GET /.well-known/est/cacerts': { credential: '' },
  'POST /.well-known/est/simpleenroll': { options: CSR, credential: '-u "enrol:$TOKEN"' },
  'POST /.well-known/est/simplereenroll': { options: CSR, credential: '--cert host.crt --key host.key' },
};

/** Throws where a body is sent and nobody has written down which. */
export function curlExample(method: string, path: string, operation: Operation): string {
  const name = `${method} ${path}`;
  const {
    options = '',
    query = '',
    credential = operation.security?.length === 0 ? '' : '-H "$auth"',
  } = EXAMPLES[name] ?? {};
  if (operation.requestBody && options === '') {
    throw new Error(`${name} takes a body: write its example into ${import.meta.filename}`);
  }
  const target = path.replaceAll(/\{(\w+)\}/g, (_, place: string) => PLACES[place] ?? place.toUpperCase());
  const isTold = /(?:^| )(?:-I|-T|-X|--json|--data-binary) /.test(options) || method === 'GET';
  return ['curl', isTold ? '' : `-X ${method}`, credential, options, `"$URL${target}${query}"`]
    .filter((part) => part !== '')
    .join(' ');
}
