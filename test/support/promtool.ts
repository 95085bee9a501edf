import { spawnSync } from 'node:child_process';
import type { Need } from './needs.ts';

/** Prometheus's own checker. */
export const PROMTOOL: Need = {
  isThere: () => spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0,
  missing: 'there is no promtool',
  first: 'sudo apt-get install prometheus &&',
};

/** @returns what it printed, empty if it found nothing wrong */
export function promtool(args: readonly string[], options: { cwd?: string; input?: string } = {}): string {
  const { status, stdout, stderr } = spawnSync('promtool', [...args], { encoding: 'utf8', ...options });
  return status === 0 ? '' : `${stdout}${stderr}`;
}
