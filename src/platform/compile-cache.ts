import module from 'node:module';
import { userCacheFolder } from './user-cache.ts';

/**
 * Keeps compiled code in `$NODE_COMPILE_CACHE`, else in the user's cache folder: the next start of this command, its
 * threads and its child processes then takes less CPU time. Not in the folder for temporary files, where Node would put
 * it: another user could leave code there. Where the folder cannot be made, everything is compiled at each start.
 */
export function cacheCompiledCode(): void {
  if ((process.env['NODE_COMPILE_CACHE'] ?? '') !== '') return;
  const folder = userCacheFolder('code');
  if (module.enableCompileCache(folder).directory === undefined) return;
  // threads and child processes know the folder by this variable only
  process.env['NODE_COMPILE_CACHE'] = folder;
}
