// Runs on any Node that knows ES modules: no newer syntax in this file or in main.mjs.

/** Set-up itself runs on this. */
const WANTED = [20, 20, 0];
/** Everything else does: older ones get no fixes any more, and current libraries leave them. */
const RUNTIME = [22, 18, 0];

/**
 * @param {string} version such as 20.20.2
 * @returns {string | undefined} what is wrong and what to do; undefined when the version will do
 */
export function nodeVersionProblem(version) {
  if (isAtLeast(version, WANTED)) return undefined;
  return (
    'Node ' +
    version +
    ' is too old: install Node >= ' +
    WANTED.join('.') +
    ' (nvm install 24, or https://nodejs.org/en/download)'
  );
}

/**
 * @param {string} version such as 20.20.2
 * @returns {boolean} true where Goshawk runs on it
 */
export function isRuntimeVersion(version) {
  return isAtLeast(version, RUNTIME);
}

/**
 * @param {string} version
 * @param {readonly number[]} wanted
 * @returns {boolean}
 */
function isAtLeast(version, wanted) {
  const parts = version.split('.').map(Number);
  for (let i = 0; i < wanted.length; i++) {
    const difference = (parts[i] || 0) - (wanted[i] || 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
