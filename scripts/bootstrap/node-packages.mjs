import { existsSync } from 'node:fs';
import path from 'node:path';
import { PLACES, ROOT } from './paths.mjs';
import { readJson } from './read-json.mjs';
import { run } from './run.mjs';
import { isFresh, keyOf, keyOfFiles, removeStamp, writeStamp } from './stamps.mjs';

const STAMP = 'npm-packages';

/**
 * Whether npm's own record in node_modules matches the lock file. Only compared if there is no stamp, for
 * users who ran "npm ci" themselves.
 * @returns {boolean}
 */
function isInstalledByUser() {
  const inside = path.join(PLACES.nodeModules, '.package-lock.json');
  if (!existsSync(inside)) return false;
  /** @param {string} file */
  const packagesOf = (file) =>
    /** @type {{ packages: Record<string, { version?: string, optional?: boolean }> }} */ (readJson(file))
      .packages;
  const installed = packagesOf(inside);
  return Object.entries(packagesOf(path.join(ROOT, 'package-lock.json'))).every(
    ([name, entry]) =>
      name === '' ||
      (installed[name] === undefined ? entry.optional : installed[name].version === entry.version),
  );
}

/**
 * Installs the packages of package-lock.json if they are missing. Install scripts do not run:
 * onnxruntime-node's would download GPU libraries, and rclnodejs's runs later, in the ROS environment.
 * @param {(activity: string) => void} say
 */
export async function ensureNodePackages(say) {
  const key = keyOf([process.arch, keyOfFiles([path.join(ROOT, 'package-lock.json')])]);
  if (existsSync(path.join(PLACES.nodeModules, '.package-lock.json'))) {
    if (isFresh(STAMP, key)) return;
    if (isInstalledByUser()) {
      writeStamp(STAMP, key);
      return;
    }
  }
  removeStamp(STAMP);
  say('installing');
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    log: 'npm',
    what: 'npm ci',
    fix: 'check the network and the free disk space, and run the command again',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  writeStamp(STAMP, key);
}
