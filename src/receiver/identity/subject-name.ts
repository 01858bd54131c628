// The host id in the subject of a certificate, where a proxy passes on its text (RFC 4514, as Go, nginx and OpenSSL write it).

import type { Name } from '@peculiar/x509';
import { loadX509Library } from '../certificates/x509-library.ts';

// What programs write for attributes, beside the names that the library knows. None of them is the CN.
const MORE_NAMES = {
  cn: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  serialNumber: '2.5.4.5',
  STREET: '2.5.4.9',
  street: '2.5.4.9',
  title: '2.5.4.12',
  description: '2.5.4.13',
  POSTALCODE: '2.5.4.17',
  postalCode: '2.5.4.17',
  GN: '2.5.4.42',
  dnQualifier: '2.5.4.46',
  organizationIdentifier: '2.5.4.97',
  emailAddress: '1.2.840.113549.1.9.1',
  UID: '0.9.2342.19200300.100.1.1',
};

/** The common names in the text, or undefined when it is no name. */
export type ReadSubject = (text: string) => string[] | undefined;

/** The library takes a while to load: only receivers with subject headers do. */
export async function loadSubjectReader(): Promise<ReadSubject> {
  const { Name: NameClass } = await loadX509Library();
  return (text) => commonNamesIn(text, NameClass);
}

function commonNamesIn(text: string, NameClass: typeof Name): string[] | undefined {
  try {
    const names = new NameClass(text, MORE_NAMES).toJSON();
    if (names.length === 0 && text.trim() !== '') return undefined;
    return names.flatMap((attributes) => [...(attributes['CN'] ?? []), ...(attributes['cn'] ?? [])]).map(unlessEscaped);
  } catch {
    return undefined;
  }

  /** A host id needs no escapes, and the library reads `\2D` as the two characters: what has any is no host id. */
  function unlessEscaped(name: string): string {
    const verbatim = text
      .split(/[,+]/)
      .some((part) => part.trim().replace(/^(?:CN|cn|2\.5\.4\.3)\s*=\s*/, '') === name);
    return verbatim ? name : '';
  }
}
