import { SetupError } from './progress.mjs';
import { setUp } from './setup.mjs';
import { runDemo } from './start.mjs';

/**
 * @param {string | undefined} name start, test or setup
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
export async function runCommand(name, args) {
  try {
    switch (name) {
      case 'setup':
        await setUp();
        return 0;
      case 'start':
        return await runDemo(await setUp(), args);
      case 'test': {
        const { runTests } = await import('./test.mjs');
        return await runTests(args);
      }
      default:
        console.error('usage: node scripts/bootstrap/main.mjs start|test|setup [arguments]');
        return 2;
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`set-up: ${error.describe()}`);
    return 1;
  }
}
