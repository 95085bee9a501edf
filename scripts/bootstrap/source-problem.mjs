import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';

// what follows is marked as experimental in Node 24, which a developer can do nothing about
process.removeAllListeners('warning');

/** Not in the types of the oldest Node that starts set-up. */
const { stripTypeScriptTypes } = /** @type {{ stripTypeScriptTypes: (source: string) => string }} */ (
  /** @type {unknown} */ (nodeModule)
);

/**
 * Why Node cannot run a source as it is, types left out; undefined where it can, and for a file that is gone.
 * Types are not checked.
 * @param {string} file
 * @returns {string | undefined}
 */
export function sourceProblem(file) {
  try {
    stripTypeScriptTypes(readFileSync(file, 'utf8'));
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'ENOENT') return undefined;
    return `${file}: ${error.message}`;
  }
}
