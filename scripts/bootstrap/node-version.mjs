// Runs on any Node that knows ES modules: no newer syntax in this file or in main.mjs.
const WANTED = [20, 20, 0];

/**
 * @param {string} version such as 20.20.2
 * @returns {string | undefined} what is wrong and what to do; undefined when the version will do
 */
export function nodeVersionProblem(version) {
  const parts = version.split('.').map(Number);
  for (let i = 0; i < WANTED.length; i++) {
    const wanted = WANTED[i] || 0;
    const found = parts[i] || 0;
    if (found > wanted) return undefined;
    if (found < wanted) {
      return (
        'Node ' +
        version +
        ' is too old: install Node >= ' +
        WANTED.join('.') +
        ' (nvm install 24, or https://nodejs.org/en/download)'
      );
    }
  }
  return undefined;
}
