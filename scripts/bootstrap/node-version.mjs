// Runs on any Node with ES modules: no newer syntax in this file or in main.mjs.

/** The oldest Node that set-up itself runs on. */
const WANTED = [20, 20, 0];
/**
 * The oldest Node that everything else runs on: older ones get no more fixes, and current libraries drop
 * them.
 */
const RUNTIME = [22, 18, 0];

/**
 * @param {string} version such as 20.20.2
 * @returns {string | undefined} what is wrong and how to fix it; undefined if the version is new enough
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
 * @returns {boolean} whether Goshawk runs on it
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
