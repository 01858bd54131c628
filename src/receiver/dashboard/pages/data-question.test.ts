import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dataPath, exportOptions, readDataQuestion, wholeDays } from './data-question.ts';

const [A, B] = ['a'.repeat(40), `${'a'.repeat(7)}${'b'.repeat(33)}`];
const KNOWN = [A, B, `c0ffee0${'1'.repeat(33)}`, 'what an older receiver let in'];
const DAY = '2026-05-01T00:00:00.000000+00:00';

describe('what is asked of the data set', () => {
  test('every field, and as it was typed', () => {
    const query = { host: ' lab-1 ', commit: A, since: '2026-05-01', until: '2026-05-02T08:30:00+02:00', before: '17' };
    const { filter, typed, mistakes, beforeSeq } = readDataQuestion(query, KNOWN);
    assert.deepEqual(filter, { hostId: 'lab-1', commit: A, since: DAY, until: '2026-05-02T06:30:00.000000+00:00' });
    assert.deepEqual([typed.host, typed.until, beforeSeq, mistakes], ['lab-1', query.until, 17, {}]);
  });

  const MISTAKES: [what: string, query: Record<string, string>, field: string, text: RegExp][] = [
    ['a host that is none', { host: '../etc' }, 'host', /no host id/],
    ['markup', { host: '<img onerror=x>' }, 'host', /no host id/],
    ['no commit', { commit: 'main' }, 'commit', /first 7 digits/],
    ['too few digits', { commit: 'c0ffee' }, 'commit', /first 7 digits/],
    ['a beginning of several', { commit: 'aaaaaaa' }, 'commit', /^2 commits begin so/],
    ['a beginning of none', { commit: 'd00dfeed' }, 'commit', /Nothing is stored/],
    ['no time', { since: 'yesterday' }, 'since', /2026-05-01/],
    ['a time without an offset', { until: '2026-05-01T06:30:00' }, 'until', /2026-05-01/],
    ['the year 0', { until: '0000-01-01' }, 'until', /2026-05-01/],
    ['a time before 1970', { until: '1969-12-31T23:59:59.999999Z' }, 'until', /2026-05-01/],
    ['a year of five digits', { since: '+010000-01-01T00:00:00Z' }, 'since', /2026-05-01/],
    ['the year 10000 by its offset', { since: '9999-12-31T23:00:00-01:00' }, 'since', /2026-05-01/],
    ['the end before the beginning', { since: '2026-05-02', until: '2026-05-01' }, 'until', /not later/],
  ];
  for (const [what, query, field, text] of MISTAKES) {
    test(`${what} is a mistake beside its field`, () => {
      const { mistakes } = readDataQuestion(query, KNOWN);
      assert.deepEqual(Object.keys(mistakes), [field]);
      assert.match(Object.values(mistakes)[0] ?? '', text);
    });
  }

  test('the first time and the last', () => {
    const { filter, mistakes } = readDataQuestion({ since: '1970-01-01', until: '9999-12-31T23:59:59.999999Z' }, []);
    assert.deepEqual(filter, { since: '1970-01-01T00:00:00.000000+00:00', until: '9999-12-31T23:59:59.999999+00:00' });
    assert.deepEqual(mistakes, {});
  });

  test('a commit by the beginning that only it has, in any case', () => {
    assert.equal(readDataQuestion({ commit: 'C0FFEE0' }, KNOWN).filter.commit, KNOWN[2]);
  });

  const EPISODES: [text: string, hostId: string | undefined, episodeId: string][] = [
    ['telemetry-1', undefined, 'telemetry-1'],
    ['lab-1/telemetry-1', 'lab-1', 'telemetry-1'],
    ['episodes/lab-1/telemetry-1.tar.zst', 'lab-1', 'telemetry-1'],
  ];
  for (const [text, hostId, episodeId] of EPISODES) {
    test(`an episode as ${text}`, () =>
      assert.deepEqual(readDataQuestion({ episode: text }, []).episode, { hostId, episodeId }));
  }

  test('what is no number begins with the newest', () => {
    for (const before of ['', '-1', '1e3', 'x', '9'.repeat(16)])
      assert.equal(readDataQuestion({ before }, []).beforeSeq, undefined);
  });
});

test('a selection as a link and as options: whole days as dates', () => {
  const filter = { hostId: 'lab-1', commit: A, since: DAY, until: '2026-05-02T06:30:00.000000+00:00' };
  assert.equal(
    dataPath(filter, { before: '3' }),
    `/data?host=lab-1&commit=${A}&since=2026-05-01&until=2026-05-02T06%3A30%3A00.000000%2B00%3A00&before=3`,
  );
  assert.equal(
    exportOptions(filter),
    ` --host lab-1 --commit ${A} --since 2026-05-01 --until 2026-05-02T06:30:00.000000+00:00`,
  );
  assert.deepEqual([dataPath({}), exportOptions({})], ['/data', '']);
});

test('only whole days are counted by day', () => {
  assert.deepEqual(wholeDays({ since: DAY }), { since: '2026-05-01' });
  assert.deepEqual(wholeDays({ hostId: 'lab-1' }), {});
  assert.equal(wholeDays({ since: DAY, until: '2026-05-02T06:30:00.000000+00:00' }), undefined);
});
