// The layers of the way to the receiver, whoever looks at it: `shipper --ping` and the doctor.

import { configurationLayer, type Layer } from './ping-layers.ts';
import { nameLayer, packetLayer, tcpLayer } from './ping-network-layers.ts';
import { contractLayer, credentialLayer, gateLayer, httpLayer } from './ping-receiver-layers.ts';
import { clientCertificateLayer, tlsLayer } from './ping-tls-layers.ts';

/** In the order in which one rests on the other. */
export const PING_LAYERS: ReadonlyArray<readonly [name: string, layer: Layer]> = [
  ['configuration', configurationLayer],
  ['name', nameLayer],
  ['tcp', tcpLayer],
  ['full-size packet', packetLayer],
  ['tls', tlsLayer],
  ['client certificate', clientCertificateLayer],
  ['http', httpLayer],
  ['credential', credentialLayer],
  ['contract', contractLayer],
  ['gate', gateLayer],
];
