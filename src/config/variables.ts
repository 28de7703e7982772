import { z } from 'zod';
import { accessVariables } from './variables/access.ts';
import { type ConfigVariable, rowsOf } from './variables/documented.ts';
import { installationVariables } from './variables/installation.ts';
import { keepingVariables } from './variables/keeping.ts';
import { limitsVariables } from './variables/limits.ts';
import { modelsVariables } from './variables/models.ts';
import { telemetryVariables } from './variables/telemetry.ts';

export { documentModes } from './variables/access.ts';
export type { ConfigVariable } from './variables/documented.ts';
export { roles } from './variables/keeping.ts';
export { devices, kernels } from './variables/models.ts';

/** The environment variables, with their validation and documentation. */
export const environment = z.object({
  ...installationVariables,
  ...telemetryVariables,
  ...accessVariables,
  ...limitsVariables,
  ...modelsVariables,
  ...keepingVariables,
});

/** Every variable that the server reads, in the order of the table in docs/configuration.md. */
export const configVariables: readonly ConfigVariable[] = rowsOf(environment.shape);
