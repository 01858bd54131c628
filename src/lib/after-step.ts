// A durable order is a list of named steps. Each program tells them as they are done, so that a test can kill it there.

/** Called right after `step` was done. Programs pass `noStepObserver`; crash tests pass one that ends the process. */
export type AfterStep<Step extends string> = (step: Step) => void;

export function noStepObserver(): void {}
