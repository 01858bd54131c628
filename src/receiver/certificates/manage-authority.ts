// cis490 ca init, renew-ca and server-certificate: the authority's beginning, its roll-over, and the receiver's own certificate.

import { AppError } from '../../lib/app-error.ts';
import { isThere } from '../../lib/is-there.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { IssuedCertificate } from '../../storage/enrolments.ts';
import { type AuthoritySet, authorityPaths, readAuthoritySet } from './authority-files.ts';
import { withAuthorityLock } from './authority-lock.ts';
import { type CommandContext, lifetimeOf, requireAuthority } from './command-context.ts';
import { describeIssued } from './issued-states.ts';
import { makeAuthority, makeServerCertificate } from './make-certificate.ts';
import { checkNames, namesOf, pairOf, putServerCertificate } from './server-certificate.ts';
import { placeFirstSet, replaceSet } from './write-authority-set.ts';

const TAKEN_OVER = 'A receiver that runs takes it over by itself.';

/** Throws `bad-input`, `already-initialised`, `already-running`. */
export async function initAuthority({ names }: { names: string[] }, context: CommandContext): Promise<void> {
  const { config, output, afterStep } = context;
  const { root } = config.store;
  const wanted = checkNames(names);
  const paths = authorityPaths(root);
  const fingerprint = await withAuthorityLock(root, async () => {
    const there = readAuthoritySet(root);
    if (there) throw alreadyThere(there, paths.directory);
    if (await isThere(paths.directory)) {
      throw new AppError('already-initialised', `${paths.directory} is there, and holds no authority of ours`, {
        hint: `look at it, and move it away: ls -la ${shellWord(paths.directory)}`,
      });
    }
    const authority = await makeAuthority(lifetimeOf(context, config.certificates.ca_lifetime_days));
    const lifetime = lifetimeOf(context, config.certificates.server_lifetime_days);
    const server = await makeServerCertificate(wanted, authority, lifetime);
    await placeFirstSet(root, { current: pairOf(authority), server }, afterStep);
    return authority.fingerprint;
  });
  output.write(`${fingerprint}\n`);
  output.tell(
    `The authority is in ${paths.directory}; its fingerprint is above. Keep a backup of that directory: it holds the keys.`,
  );
  output.tell('In receiver.toml:');
  for (const line of tlsLines(root)) output.tell(`  ${line}`);
  output.tell('Then: sudo systemctl restart cis490-receiver; and for each host: cis490 ca token --host HOST_ID');
}

function tlsLines(root: string): string[] {
  const { serverCertificate, serverKey, trusted } = authorityPaths(root);
  return [
    '[listen.tls]',
    `cert_file = ${JSON.stringify(serverCertificate)}`,
    `key_file = ${JSON.stringify(serverKey)}`,
    `client_ca_file = ${JSON.stringify(trusted)}`,
  ];
}

function alreadyThere({ current, server }: AuthoritySet, directory: string): AppError {
  const until = current.certificate.validToDate.toISOString();
  return new AppError(
    'already-initialised',
    `there is an authority in ${directory}: fingerprint ${current.fingerprint}, good until ${until}; the receiver's names are ${namesOf(server).join(', ')}`,
    { hint: 'for other names: cis490 ca server-certificate --name NAME; for a host: cis490 ca token --host HOST_ID' },
  );
}

/** The new one signs from now on; both are trusted until `finishRenewal`. Throws `no-authority`, `roll-over-under-way`. */
export async function renewAuthority(context: CommandContext): Promise<void> {
  const { config, output, afterStep } = context;
  const fingerprint = await withAuthorityLock(config.store.root, async () => {
    const { current, previous, serverFiles } = requireAuthority(context);
    if (previous) {
      throw new AppError(
        'roll-over-under-way',
        `the authority is being replaced already: ${previous.fingerprint} by ${current.fingerprint}`,
        {
          hint: 'end that first: cis490 ca renew-ca --finish',
        },
      );
    }
    const made = await makeAuthority(lifetimeOf(context, config.certificates.ca_lifetime_days));
    await replaceSet(
      config.store.root,
      { current: pairOf(made), previous: pairOf(current), server: serverFiles },
      afterStep,
    );
    return made.fingerprint;
  });
  output.write(`${fingerprint}\n`);
  output.tell(`The new authority signs from now on, and both are trusted. ${TAKEN_OVER}`);
  output.tell('Hosts learn it within a day and change over as they renew: cis490 ca list');
  output.tell('When all have: cis490 ca renew-ca --finish');
}

/** Throws `no-authority`, and `hosts-on-old-authority` when some would be cut off and `force` is false. */
export async function finishRenewal({ force }: { force: boolean }, context: CommandContext): Promise<void> {
  const { config, output, afterStep } = context;
  const { root } = config.store;
  await withAuthorityLock(root, async () => {
    const { current, previous, server } = requireAuthority(context);
    if (!previous) {
      output.tell('There is nothing to finish: one authority is in force. To make another: cis490 ca renew-ca');
      return;
    }
    const behind = (await describeIssued(context)).filter(
      ({ isNewest, issued }) => isNewest && issued.authority === previous.fingerprint,
    );
    const cutOff = hostsOf(behind.filter(({ state }) => state === 'valid').map(({ issued }) => issued));
    if (cutOff.length > 0 && !force) {
      throw new AppError('hosts-on-old-authority', `these hosts would be cut off: ${cutOff.join(', ')}`, {
        hint: 'wait for their renewal (cis490 ca list), or cut them off: cis490 ca renew-ca --finish --force',
      });
    }
    const lifetime = lifetimeOf(context, config.certificates.server_lifetime_days);
    const made = await makeServerCertificate(namesOf(server), current, lifetime);
    await replaceSet(root, { current: pairOf(current), server: made }, afterStep);
    output.tell(`The old authority counts no more, and the receiver's certificate is under the new one. ${TAKEN_OVER}`);
    const expired = hostsOf(behind.filter(({ state }) => state === 'expired').map(({ issued }) => issued));
    if (cutOff.length + expired.length === 0) return;
    output.tell(`These hosts come back with a new token only: ${[...cutOff, ...expired].join(', ')}`);
  });
}

/** Without `names`: the names of the one before. Throws `no-authority`, `bad-input`, `not-ready`. */
export async function issueServerCertificate({ names }: { names: string[] }, context: CommandContext): Promise<void> {
  const { config, output, afterStep } = context;
  const wanted = checkNames(names);
  await withAuthorityLock(config.store.root, async () => {
    const set = requireAuthority(context);
    const all = wanted.length > 0 ? wanted : namesOf(set.server);
    const lifetime = lifetimeOf(context, config.certificates.server_lifetime_days);
    await putServerCertificate(config.store.root, set, all, lifetime, afterStep);
    output.tell(`The receiver has a new certificate, for ${all.join(', ')}. ${TAKEN_OVER}`);
  });
}

function hostsOf(issued: readonly IssuedCertificate[]): string[] {
  return [...new Set(issued.map(({ hostId }) => hostId))].sort();
}
