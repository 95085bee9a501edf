import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { PLACES, ROOT } from './paths.mjs';
import { readJson } from './read-json.mjs';

/** What set-up, the build and the node tests read. */
const COPIED = [
  'src',
  'test',
  'launch',
  'scripts',
  '.npmrc',
  'package.json',
  'package-lock.json',
  'package.xml',
  'CMakeLists.txt',
  'tsconfig.json',
  'tsconfig.build.json',
  'vitest.config.ts',
];
/** Never written, so links are enough. */
const LINKED = ['models'];

/** Compiled against one ROS 2, with its message classes: each checkout has its own. */
const OWN_PACKAGE = 'rclnodejs';
const BUILT = ['build', 'generated'].map((name) => path.join(PLACES.nodeModules, OWN_PACKAGE, name));

/**
 * Makes a copy of this project for another ROS 2. Set-up runs in it as in a fresh clone, with its own .ros,
 * dist and rclnodejs, and does not touch this project's. Its other npm packages are links to this project's.
 * Results of earlier set-ups are kept.
 * @param {string} home folder of the copy and its neighbors
 * @returns {string} the copy
 */
export function makeSecondCheckout(home) {
  const checkout = path.join(home, 'goshawk');
  mkdirSync(checkout, { recursive: true });
  for (const entry of COPIED) {
    rmSync(path.join(checkout, entry), { recursive: true, force: true });
    cpSync(path.join(ROOT, entry), path.join(checkout, entry), { recursive: true });
  }
  for (const entry of LINKED) link(path.join(ROOT, entry), path.join(checkout, entry));
  // Optional test data is next to the project.
  const extra = path.join(ROOT, '../shared');
  if (existsSync(extra)) link(extra, path.join(home, 'shared'));
  bringPackages(path.join(checkout, 'node_modules'));
  return checkout;
}

/** @param {string} target folder of npm packages */
function bringPackages(target) {
  const own = path.join(target, OWN_PACKAGE);
  if (versionOf(own) !== versionOf(PLACES.rclnodejs)) rmSync(own, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(target)) {
    if (entry !== OWN_PACKAGE) rmSync(path.join(target, entry), { recursive: true });
  }
  for (const entry of readdirSync(PLACES.nodeModules)) {
    const source = path.join(PLACES.nodeModules, entry);
    if (entry === '.package-lock.json') cpSync(source, path.join(target, entry));
    else if (entry === '.bin' || !/^\.|^rclnodejs$/.test(entry)) link(source, path.join(target, entry));
  }
  if (!existsSync(own)) {
    cpSync(PLACES.rclnodejs, own, { recursive: true, filter: (source) => !BUILT.includes(source) });
  }
}

/** @param {string} folder of a package @returns {string | undefined} */
function versionOf(folder) {
  const file = path.join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  return /** @type {{ version: string }} */ (readJson(file)).version;
}

/** @param {string} target @param {string} place */
function link(target, place) {
  rmSync(place, { recursive: true, force: true });
  symlinkSync(target, place);
}
