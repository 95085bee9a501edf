import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder of Goshawk in the user's cache folder: `$XDG_CACHE_HOME/goshawk/NAME`, else `~/.cache/goshawk/NAME`. */
export function userCacheFolder(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const cache = env['XDG_CACHE_HOME'];
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'goshawk', name);
}
