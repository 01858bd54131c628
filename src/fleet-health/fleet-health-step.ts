// The durable steps of one run, in their order.

export type FleetHealthStep = 'locked' | 'observed' | 'rows-appended' | 'alerts-told' | 'settled';
