// Numbers with the word that belongs to them.

/** `1 host`, `1,204 hosts`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** `1,204`. */
export function grouped(count: number): string {
  return count.toLocaleString('en');
}
