// The commands of a page of the documentation, as they stand there: what is tried is what is read.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from './program.ts';

/** The blocks of shell commands below the heading, one text each, with `facts` in the place of what the page has for them. */
export function pageCommands(page: string, heading: string, facts: Readonly<Record<string, string>> = {}): string[] {
  return blocksOf('sh', page, heading).map((block) => substitute(block, page, facts));
}

/** The one block of configuration below the heading. */
export function pageToml(page: string, heading: string): string {
  const [toml, ...others] = blocksOf('toml', page, heading);
  if (toml === undefined || others.length > 0) throw new Error(`${page} has not one block of TOML below ${heading}`);
  return toml;
}

function blocksOf(language: string, page: string, heading: string): string[] {
  const text = readFileSync(join(PROJECT_ROOT, 'docs', page), 'utf8');
  const [, section] = text.split(`\n## ${heading}\n`);
  if (section === undefined) throw new Error(`${page} has no heading ${heading}`);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);
}

function substitute(block: string, page: string, facts: Readonly<Record<string, string>>): string {
  const missing = Object.keys(facts).filter(
    (placeholder) => !readFileSync(join(PROJECT_ROOT, 'docs', page), 'utf8').includes(placeholder),
  );
  if (missing.length > 0) throw new Error(`${page} does not have ${missing.join(', ')}`);
  return Object.entries(facts).reduce((text, [placeholder, fact]) => text.replaceAll(placeholder, fact), block);
}
