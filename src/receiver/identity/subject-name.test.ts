import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadSubjectReader } from './subject-name.ts';

describe('the common names in a subject', async () => {
  const readSubject = await loadSubjectReader();
  for (const [text, names] of [
    ['CN=lab-07', ['lab-07']],
    ['CN=lab-07,O=Lab', ['lab-07']],
    ['C=DE, ST=x, CN=lab-07', ['lab-07']],
    ['O=Lab+CN=lab-07', ['lab-07']],
    ['2.5.4.3=lab-07', ['lab-07']],
    ['cn=lab-07', ['lab-07']],
    ['emailAddress=a@b,serialNumber=5,CN=lab-07', ['lab-07']],
    ['SERIALNUMBER=5,CN=lab-07,STREET=x,POSTALCODE=1', ['lab-07']],
    ['1.2.840.113549.1.9.1=#0c0161,CN=lab-07', ['lab-07']],
    ['CN=lab-07,CN=lab-08', ['lab-07', 'lab-08']],
    ['CN=lab-07,cn=lab-08', ['lab-07', 'lab-08']],
    ['O=x\\,CN=lab-08,CN=lab-07', ['lab-07']],
    ['O="x,CN=lab-08",CN=lab-07', ['lab-07']],
    ['O=Lab', []],
    ['', []],
    // One there is, and it is no host id.
    ['CN=', ['']],
    ['CN=lab\\2d07', ['']],
    ['CN=lab-07\\,x', ['']],
    ['CN=#0c066c61622d3037', ['#0c066c61622d3037']],
    ['/CN=lab-07/O=x', ['']],
    ['lab-07', undefined],
    ['O=#zz,CN=lab-07', undefined],
    ['what=x,CN=lab-07', undefined],
  ] as const) {
    test(`${text || 'nothing'}: ${JSON.stringify(names)}`, () => assert.deepEqual(readSubject(text), names));
  }
});
