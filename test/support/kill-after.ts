// SIGKILL to this very process at a named step: nothing of it runs any more, no handler, no flush, no exit code.

export function killAfter(step: string, nth: number): (done: string) => void {
  let seen = 0;
  return (done) => {
    if (done !== step) return;
    seen += 1;
    if (seen === nth) process.kill(process.pid, 'SIGKILL');
  };
}
