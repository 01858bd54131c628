// receiver.toml as the commands read it that make credentials. The receiver itself refuses an address that others reach as long as
// there is no credential: the command that makes the first one must not.

import { z } from 'zod';
import { defineConfig } from '../../lib/config/define-config.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';

export const credentialsConfigDefinition = defineConfig({
  ...receiverConfigDefinition,
  // The same keys with their own checks, without those across sections.
  schema: (context) => z.strictObject(receiverConfigDefinition.schema(context).shape),
});
