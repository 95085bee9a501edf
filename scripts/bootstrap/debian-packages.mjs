import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './progress.mjs';
import { capture, run, which } from './run.mjs';

/**
 * Installs packages on Debian and its derivatives, which requires root.
 * @param {readonly string[]} packages
 * @param {string} name of the log
 * @returns {Promise<boolean>} false if it cannot be done: not root, no apt-get, no network
 */
export async function installPackages(packages, name) {
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) return false;
  const options = {
    log: name,
    what: `installing ${packages.join(', ')}`,
    fix: `apt-get update && apt-get install ${packages.join(' ')}`,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  try {
    // A slim image has no package lists.
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], options);
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return false;
  }
}

/**
 * Unpacks packages of Debian and its derivatives into a folder, which does not require root.
 * @param {readonly string[]} packages those that this release does not have are skipped
 * @param {string} folder is emptied first
 * @param {{ name: string, fix: string }} options name of the log, and the command that would install them
 * @throws {SetupError} if they cannot be fetched
 */
export async function unpackPackages(packages, folder, { name, fix }) {
  if (which('apt-get') === undefined || which('dpkg') === undefined)
    throw new SetupError(`${name} comes from packages of Debian or Ubuntu, which this system is not`, {
      fix,
    });
  rmSync(folder, { recursive: true, force: true });
  const fetched = path.join(folder, 'packages');
  mkdirSync(fetched, { recursive: true });
  const known = packages.filter(
    (each) => (capture('apt-cache', ['show', '--no-all-versions', each]) ?? '') !== '',
  );
  const options = { log: name, what: `fetching ${name}`, fix };
  await run('apt-get', ['download', ...known], { ...options, cwd: fetched });
  for (const file of readdirSync(fetched))
    await run('dpkg', ['-x', path.join(fetched, file), folder], options);
}
