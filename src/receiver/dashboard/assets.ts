// The style and the scripts of the dashboard, read once, and named by the digest of all of them: whoever has them never asks again.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';

const BROWSER_FILES = join(import.meta.dirname, 'browser');
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
const OF_UPLOT = { 'uplot.js': 'dist/uPlot.esm.js', 'uplot.css': 'dist/uPlot.min.css' };

const CONTENT_TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface Asset {
  contentType: string;
  content: Uint8Array<ArrayBuffer>;
}

export interface Assets {
  /** `/assets/<digest>`. */
  path: string;
  byName: ReadonlyMap<string, Asset>;
}

export function readAssets(): Assets {
  const byName = new Map<string, Asset>();
  const add = (name: string, path: string) => {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType !== undefined) byName.set(name, { contentType, content: forBrowser(readFileSync(path)) });
  };
  for (const name of readdirSync(BROWSER_FILES).sort()) add(name, join(BROWSER_FILES, name));
  for (const [name, path] of Object.entries(OF_UPLOT)) add(name, join(UPLOT, path));
  const digest = createHash('sha256');
  for (const [name, { content }] of byName) digest.update(name).update(content);
  return { path: `/assets/${digest.digest('hex').slice(0, 16)}`, byName };
}

/** Where they lie they import uPlot as its types know it. */
function forBrowser(content: Buffer): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(content.toString('utf8').replaceAll(" from 'uplot'", " from './uplot.js'"));
}
