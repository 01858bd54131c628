// What a person does about each reason for which the queue is held.

const CURES: Record<string, string> = {
  'credential-missing':
    'set [receiver] bearer_token_file in the lab host configuration, then check it: cis490 config check',
  'credential-invalid': 'the token is not known to the receiver: put a valid one into [receiver] bearer_token_file',
  forbidden: 'the credential may not write for this host_id: compare host_id with what the credential was made for',
  'http-401': 'the receiver wants a credential: check [receiver] bearer_token_file',
  'http-403': 'the receiver refuses this credential: check [receiver] bearer_token_file and host_id',
  'http-404': 'nothing takes episodes at that address: check [receiver] url',
  'not-found': 'nothing takes episodes at that address: check [receiver] url',
  'name-not-found': 'the name in [receiver] url does not resolve: check it with getent hosts NAME',
  'tls-failed': "the receiver's certificate is not trusted: check [receiver] url and the machine's clock (timedatectl)",
  'not-tls': 'what listens there does not speak TLS: check http or https, and the port, in [receiver] url',
  'not-http': 'what listens there does not speak HTTP: check scheme and port of [receiver] url',
  'unexpected-answer':
    'something other than the receiver answers: check [receiver] url, and what stands between (proxy, login page)',
  'digest-mismatch':
    'the bytes change on their way or on this disk: check memory and disk (dmesg), then restart the shipper',
};

export function cureForHold(code: string): string {
  return (
    CURES[code] ?? 'check [receiver] in the lab host configuration: cis490 config check; then look at the receiver'
  );
}
