import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder of all outboxes.
 * @param given empty for `goshawk/telemetry` in the user's state folder
 */
export function outboxRoot(given: string, env: NodeJS.ProcessEnv = process.env): string {
  const state = env['XDG_STATE_HOME'];
  const root = state === undefined || state === '' ? join(homedir(), '.local', 'state') : state;
  return given === '' ? join(root, 'goshawk', 'telemetry') : given;
}
