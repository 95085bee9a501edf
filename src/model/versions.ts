import semver from 'semver';

/**
 * Compares semantic versions (semver.org, 11): below 0 if `a` is older. Names that are not versions, such as
 * a folder that somebody made by hand, come before all versions, sorted by name.
 */
export function compareVersions(a: string, b: string): number {
  const left = semver.parse(a, { loose: true });
  const right = semver.parse(b, { loose: true });
  if (left !== null && right !== null) return left.compare(right);
  if (left !== null || right !== null) return left === null ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `1.2.3` becomes `1.2.4`; null for a pre-release, whose next version only the user can decide. */
export function nextPatch(version: string): string | null {
  const parsed = semver.parse(version, { loose: true });
  return parsed === null || parsed.prerelease.length > 0 ? null : parsed.inc('patch').version;
}

/** `1.2.3` becomes `1.3.0`, and so does `1.2.3-rc.1`. */
export function nextMinor(version: string): string {
  const { major, minor } = new semver.SemVer(version, { loose: true });
  return `${major}.${minor + 1}.0`;
}
