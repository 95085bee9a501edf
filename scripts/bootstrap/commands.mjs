import path from 'node:path';
import { ROOT } from './paths.mjs';
import { SetupError } from './progress.mjs';
import { ensureRuntimeNode, runOn } from './runtime-node.mjs';
import { EXIT_ROS_UNAVAILABLE, RosUnavailableError } from './ros-wheels.mjs';
import { setUp } from './setup.mjs';
import { runDemo } from './start.mjs';

const MAIN = path.join(ROOT, 'scripts/bootstrap/main.mjs');

/**
 * @param {string | undefined} name start, dev, test or setup
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
export async function runCommand(name, args) {
  try {
    const node = await ensureRuntimeNode();
    if (node !== process.execPath)
      return await runOn(node, [MAIN, ...(name === undefined ? [] : [name]), ...args]);
    switch (name) {
      case 'setup':
        console.log(describeSetup(await setUp()));
        return 0;
      case 'start':
        return await runDemo(await setUp(), args);
      case 'dev': {
        const { runDev } = await import('./dev.mjs');
        return await runDev(await setUp({ needsBuild: false }), args);
      }
      case 'test': {
        const { runTests } = await import('./test.mjs');
        return await runTests(args);
      }
      default:
        console.error('usage: node scripts/bootstrap/main.mjs start|dev|test|setup [arguments]');
        return 2;
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`set-up: ${error.describe()}`);
    return error instanceof RosUnavailableError ? EXIT_ROS_UNAVAILABLE : 1;
  }
}

/**
 * @param {import('./ros-env.mjs').RosInstallation | undefined} ros
 * @returns {string}
 */
function describeSetup(ros) {
  const found = ros === undefined ? 'no ROS 2' : `ROS 2 ${ros.distro} (${ros.kind}, ${ros.prefix})`;
  return `ready: Node ${process.versions.node}, ${found}; next: npm start`;
}
