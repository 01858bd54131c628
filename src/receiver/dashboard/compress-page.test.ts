import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compressPage } from './compress-page.ts';

const LONG = '<tr><td>lab-1</td></tr>'.repeat(1_000);
const cases: [name: string, text: string, accepted: string | undefined, isCompressed: boolean][] = [
  ['as browsers ask', LONG, 'gzip, deflate, br, zstd', true],
  ['with a weight', LONG, 'br, gzip;q=0.5', true],
  ['refused', LONG, 'gzip;q=0', false],
  ['not asked for', LONG, undefined, false],
  ['another', LONG, 'br, xgzip', false],
  ['a short page', '<p>short</p>', 'gzip', false],
];

describe('compressPage', () => {
  for (const [name, text, accepted, isCompressed] of cases) {
    test(name, async () => {
      const { content, headers } = await compressPage(text, accepted);
      assert.equal(headers['Vary'], 'Accept-Encoding');
      assert.equal(headers['Content-Encoding'], isCompressed ? 'gzip' : undefined);
      const sent = Buffer.from(content);
      assert.equal((isCompressed ? gunzipSync(sent) : sent).toString(), text);
    });
  }
});
