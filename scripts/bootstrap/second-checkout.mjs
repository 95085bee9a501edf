import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { PLACES, ROOT } from './paths.mjs';
import { readJson } from './read-json.mjs';

/** What set-up, the build and the tests of the nodes read. */
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
/** Read and never written: links will do. */
const LINKED = ['models'];

/** A package that is compiled against one ROS 2 and holds its message classes: each checkout has its own. */
const OWN_PACKAGE = 'rclnodejs';
const BUILT = ['build', 'generated'].map((name) => path.join(PLACES.nodeModules, OWN_PACKAGE, name));

/**
 * A copy of this project for another ROS 2: set-up runs in it as in a fresh clone, with a .ros, a dist and a
 * rclnodejs of its own, and leaves this project's alone. Its other npm packages are links to this project's.
 * What set-up made in it earlier stays.
 * @param {string} home folder of the copy and of what lies beside it
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
  // Optional extra data of tests lies beside the project.
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
