// Which files of an installed tree a bundle holds: what a host runs, and nothing that this machine put there.

import { MANIFEST_FILE, type Platform } from '../protocol/release.ts';

const VERSION_FILE = 'VERSION';
// As package.json names them for each platform: the wrappers of other platforms may be named in another way.
const NODE_PACKAGE = /^node_modules\/(node-(?:bin-)?(?:linux|darwin|win)-[^/]+)(?:\/(.*))?$/;
// What programs are compiled with, and pages for people: a third of the whole.
const NOT_OF_NODE = /^(?:include|share|CHANGELOG\.md|README\.md)(?:\/|$)/;
// npm's notes to itself, which differ from npm to npm, and what Node keeps compiled.
const NOTES = /^node_modules\/(?:\.package-lock\.json|\.cache)(?:\/|$)/;

export function belongsInBundle(platform: Platform): (path: string) => boolean {
  return (path) => {
    if (NOTES.test(path)) return false;
    const [isNode, name, inside = ''] = NODE_PACKAGE.exec(path) ?? [];
    return isNode === undefined || (name === `node-${platform}` && !NOT_OF_NODE.test(inside));
  };
}

/** Names at the top that are given on the way: a commit must not track them. */
export const RESERVED_NAMES: readonly string[] = [MANIFEST_FILE, VERSION_FILE];
