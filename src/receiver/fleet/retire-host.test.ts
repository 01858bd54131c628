import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { systemClock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { createLogger } from '../../lib/logger.ts';
import { openControl, openStorage } from '../../storage/open-storage.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';
import { isKnownHost } from './known-host.ts';
import { retireByHand } from './retire-host.ts';

const AT = '2026-05-01T07:00:00.000000+00:00';
const SILENT = createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined });

test('by hand a host is retired of which something is known, and no other: a slip of the pen is told', async (t) => {
  const root = temporaryDirectory(t);
  const path = join(root, 'receiver.toml');
  writeFileSync(
    path,
    '[store]\nroot = "store"\n[version_gate]\nenabled = false\n[fleet]\nexpected_hosts = ["expected"]\n',
  );
  const { config } = loadConfig(receiverConfigDefinition, path);
  const storage = await openStorage({ root: config.store.root, logger: SILENT });
  await storage.hostState.putHeartbeat({ hostId: 'beats', machine: 'm', bootId: 'b', receivedAtWall: AT, body: {} });
  await storage.hostState.putReport('reports', Buffer.from('{}'));
  await storage.control.retireHost({ hostId: 'retired', retiredAt: AT, by: 'ada', reason: 'sold' });
  await storage.close();
  mkdirSync(join(config.store.root, 'episodes', 'stores'), { recursive: true });
  const control = await openControl(config.store.root);
  t.after(() => control.close());
  const desk = { control, clock: systemClock, by: 'ada', isKnown: (id: string) => isKnownHost(config, id) };

  for (const hostId of ['expected', 'beats', 'reports', 'stores'])
    assert.equal((await retireByHand(desk, hostId, 'sold')).isNew, true, hostId);
  assert.equal((await retireByHand(desk, 'retired', 'sold again')).host.reason, 'sold');
  await assert.rejects(retireByHand(desk, 'store', 'sold'), {
    code: 'bad-input',
    hint: 'see which are known: cis490 fleet',
  });
  assert.equal(
    (await control.listRetiredHosts()).some(({ hostId }) => hostId === 'store'),
    false,
  );
});
