import { readdirSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import path from 'node:path';

// this API is marked as experimental in Node 24, which a developer cannot change
process.removeAllListeners('warning');

/** Not in the types of the oldest Node that starts set-up. */
const { stripTypeScriptTypes } = /** @type {{ stripTypeScriptTypes: (source: string) => string }} */ (
  /** @type {unknown} */ (nodeModule)
);

/**
 * Why Node cannot run a source directly, by stripping its types; undefined if it can, and for a file that is gone.
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
    // ":LINE", the line itself, and a mark below the error
    const [, line, excerpt] = /^[^\n]*:(\d+)\n((?:.*\n)*? *\^+)/.exec(error.stack ?? '') ?? [];
    return line === undefined ? `${file}: ${error.message}` : `${file}:${line}: ${error.message}\n${excerpt}`;
  }
}

/** The sources of a folder that Node cannot run at the moment. */
export class BrokenSources {
  #folder;
  /** @type {Set<string>} */
  #broken = new Set();

  /** @param {string} folder */
  constructor(folder) {
    this.#folder = folder;
  }

  /** Whether all of them can be run, as far as they were checked. */
  get canRun() {
    return this.#broken.size === 0;
  }

  /**
   * @param {Iterable<string>} files that were saved or deleted, relative to the folder
   * @returns {string[]} what is wrong with them
   */
  check(files) {
    return [...files].flatMap((file) => {
      const problem = file.endsWith('.ts') ? sourceProblem(path.join(this.#folder, file)) : undefined;
      if (problem === undefined) this.#broken.delete(file);
      else this.#broken.add(file);
      return problem === undefined ? [] : [problem];
    });
  }

  /** @returns {string[]} what is wrong with any of the sources; takes about a second for src/ */
  checkAll() {
    return this.check(readdirSync(this.#folder, { recursive: true, encoding: 'utf8' }));
  }
}
