// On which mount a path lies, and whether that can be written, by /proc/self/mountinfo (proc_pid_mountinfo(5)).

interface Mount {
  point: string;
  /**
   * Of the filesystem itself. A mount that is read-only by itself is not: a unit's own sandbox (ProtectSystem=) makes such ones, and the
   * shipper does not share the doctor's.
   */
  isReadOnly: boolean;
}

/** Undefined where the table does not tell. */
export function mountOf(path: string, mountInfo: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of mountInfo.split('\n')) {
    const [, , , , escaped, ...rest] = line.split(' ');
    if (escaped === undefined) continue;
    // Blanks and the like are written in octal.
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isUnder = point === '/' || path === point || path.startsWith(`${point}/`);
    // Of two at the same place the later one lies on top.
    if (!isUnder || (found && point.length < found.point.length)) continue;
    const ofFilesystem = rest.slice(rest.indexOf('-') + 1)[2] ?? '';
    found = { point, isReadOnly: ofFilesystem.split(',').includes('ro') };
  }
  return found;
}
