import { describeError, GoshawkError } from '../contract/errors.ts';

/** As in `engines` of package.json. Older versions lack Zstandard, and types in sources that are run as they are. */
export const OLDEST_NODE = '22.18.0';

/** Whether a version of Node, such as `22.18.0` or `24.0.0-nightly`, is not older than another one. */
export function isAtLeastNode(version: string, wanted: string): boolean {
  const partsOf = (text: string): number[] => text.split(/[.-]/).slice(0, 3).map(Number);
  const [major = 0, minor = 0, patch = 0] = partsOf(version);
  const [wantedMajor = 0, wantedMinor = 0, wantedPatch = 0] = partsOf(wanted);
  return (major - wantedMajor || minor - wantedMinor || patch - wantedPatch) >= 0;
}

/**
 * Whether this Node is new enough; if not, prints what to do. Must be checked before anything else is imported: an
 * older Node cannot load it, and would report a name that some module lacks.
 */
export function isNodeNewEnough(say: (line: string) => void, version = process.versions.node): boolean {
  if (isAtLeastNode(version, OLDEST_NODE)) return true;
  say(describeError(new GoshawkError('GOSHAWK_NODE_TOO_OLD', { version, wanted: OLDEST_NODE })));
  return false;
}
