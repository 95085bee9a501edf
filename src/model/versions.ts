interface Version {
  readonly numbers: readonly number[];
  /** empty for a release */
  readonly prerelease: readonly string[];
}

function parse(text: string): Version {
  const dash = text.indexOf('-');
  const release = dash < 0 ? text : text.slice(0, dash);
  return {
    numbers: release.split('.').map((part) => Number.parseInt(part, 10) || 0),
    prerelease: dash < 0 ? [] : text.slice(dash + 1).split('.'),
  };
}

function comparePart(a: string, b: string): number {
  const numeric = (part: string): boolean => /^\d+$/.test(part);
  if (numeric(a) && numeric(b)) return Number(a) - Number(b);
  if (numeric(a) !== numeric(b)) return numeric(a) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order of semantic versions: below 0 where `a` is older. A pre-release comes before its release (semver.org, 11). */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  for (let i = 0; i < 3; i += 1) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.prerelease.length === 0 || right.prerelease.length === 0) {
    return right.prerelease.length - left.prerelease.length;
  }
  const common = Math.min(left.prerelease.length, right.prerelease.length);
  for (let i = 0; i < common; i += 1) {
    const difference = comparePart(left.prerelease[i] ?? '', right.prerelease[i] ?? '');
    if (difference !== 0) return difference;
  }
  return left.prerelease.length - right.prerelease.length;
}
