import { definePart } from '../runtime/part.ts';
import { SessionTelemetry } from './session-telemetry.ts';

/** Reports a session to the fleet; stops after telemetry, which asks for the last window. */
export const SESSION_TELEMETRY = definePart({
  parameters: {},
  create: (_values, { device }) => new SessionTelemetry(device, () => new Date()),
});
