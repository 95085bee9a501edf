import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for an embedded PostgreSQL: under root the server has another user, who has to be able to pass. */
export function makeFleetFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'goshawk-fleet-'));
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
