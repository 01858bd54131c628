// source = "receiver": a release that may be installed, from the receiver's bundle into releases/<commit>. What is there already is not
// fetched again.

import { removeFile } from '../../lib/remove-file.ts';
import { bundleFiles, bundleSoFar, downloadBundle } from './download-bundle.ts';
import { isPlaced, placeTree } from './place-tree.ts';
import { requireRoom } from './room.ts';
import { unpackBundle } from './unpack-bundle.ts';
import type { BundleHead, UpdateDependencies } from './update-dependencies.ts';

// What a bundle takes unpacked, before its manifest says it.
const UNPACKED_TIMES = 5;

export async function placeBundle(dependencies: UpdateDependencies, head: BundleHead): Promise<void> {
  const { layout, afterStep } = dependencies;
  const { commit, platform, bytes } = head;
  const { whole } = bundleFiles(layout.incoming, head);
  if (await isPlaced(dependencies, head)) return await removeFile(whole);
  const leftBytes = bytes - (await bundleSoFar(layout.incoming, head));
  await requireRoom(dependencies, leftBytes + UNPACKED_TIMES * bytes, `release ${commit.slice(0, 12)}`);
  afterStep('verified');
  const bundle = await downloadBundle(dependencies, head);
  await placeTree(dependencies, head, async (tree) => {
    await unpackBundle({
      bundle,
      tree,
      expected: { commit, platform },
      onManifest: async (manifest) => {
        await requireRoom(dependencies, manifest.bytes, `release ${commit.slice(0, 12)}, unpacked,`);
        afterStep('unpack-begun');
      },
    });
  });
  await removeFile(whole);
}
