// The durable steps of making a lab host, in their order; those of its certificate come after `authority-pinned`.

export type BootstrapStep = 'authority-pinned' | 'configuration-written' | 'installed' | 'reported' | 'seed-rewritten';
