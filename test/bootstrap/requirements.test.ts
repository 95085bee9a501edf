import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { requireCompiler, requirePython } from '../../scripts/bootstrap/build-tools.mjs';
import { isRuntimeVersion, nodeVersionProblem } from '../../scripts/bootstrap/node-version.mjs';
import { SetupError } from '../../scripts/bootstrap/progress.mjs';
import { isNodeNewEnough, OLDEST_NODE } from '../../src/platform/node-version.ts';

/** The message of set-up when it cannot continue. */
function refusalOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    if (error instanceof SetupError) return error.describe();
  }
  throw new Error('this should have been refused');
}

describe('Node version', () => {
  it.each(['20.20.0', '20.20.2', '20.21.0', '22.0.0', '24.21.0'])('%s is accepted', (version) => {
    expect(nodeVersionProblem(version)).toBeUndefined();
  });

  it.each(['16.20.2', '18.20.8', '20.9.0', '20.19.9'])(
    '%s is refused in one line with the fix',
    (version) => {
      const problem = nodeVersionProblem(version);
      expect(problem).toContain(version);
      expect(problem).toContain('nvm install');
      expect(problem).not.toContain('\n');
    },
  );
});

it.each([
  ['20.20.2', false],
  ['22.17.1', false],
  ['22.18.0', true],
  ['24.21.0', true],
  ['26.0.0', true],
])('Node %s is what everything runs on: %s', (version, runs) => {
  expect(isRuntimeVersion(version)).toBe(runs);
});

it('set-up, package.json and the check at start agree on the oldest Node', () => {
  const { engines } = z
    .object({ engines: z.object({ node: z.string() }) })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')));
  expect(engines.node).toBe(`>=${OLDEST_NODE}`);
  const [major = 0, minor = 0] = OLDEST_NODE.split('.').map(Number);
  for (const [version, runs] of [
    [OLDEST_NODE, true],
    [`${String(major)}.${String(minor - 1)}.9`, false],
    [`${String(major - 1)}.99.0`, false],
    [`${String(major + 1)}.0.0-nightly`, true],
  ] as const) {
    const lines: string[] = [];
    expect([version, isNodeNewEnough((line) => lines.push(line), version)]).toEqual([version, runs]);
    expect(lines.join('\n')).toMatch(runs ? /^$/ : /^GOSHAWK_NODE_TOO_OLD: .*nvm install 24/);
    if (!version.includes('-')) expect(isRuntimeVersion(version)).toBe(runs);
  }
});

/** What a module loads before its first line runs, relative to the root, and modules of others by name. */
function loadedBefore(path: string, known = new Set<string>()): ReadonlySet<string> {
  for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(
    /^import (?!type )[^'"]*['"]([^'"]+)['"]/gms,
  )) {
    const module = name.startsWith('.') ? join(dirname(path), name) : name;
    if (known.has(module)) continue;
    known.add(module);
    if (name.startsWith('.')) loadedBefore(module, known);
  }
  return known;
}

it.each(['src/cli.ts', 'src/ros/nodes/camera.ts', 'src/ros/nodes/detector.ts'])(
  '%s checks the version of Node before it loads what an older one lacks',
  (path) => {
    const modules = [...loadedBefore(path)];
    expect(modules).toContain('src/platform/node-version.ts');
    expect(
      modules.filter(
        (name) => !/^src\/(contract\/errors|core|ros|platform\/(node-version|end-signals))/.test(name),
      ),
    ).toEqual([]);
  },
);

describe('the compiler', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('that is missing is reported in one line with the command that installs it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'goshawk-path-'));
    vi.stubEnv('PATH', folder);
    const line = refusalOf(() => {
      requireCompiler('rclnodejs');
    });
    expect(line).toMatch(/rclnodejs needs a C\+\+ compiler.*sudo apt-get install build-essential cmake/);
    expect(line).toContain('GOSHAWK_NO_ROS=1');
    expect(line).not.toContain('\n');
    writeFileSync(join(folder, 'clang++'), '', { mode: 0o755 });
    requireCompiler('rclnodejs');
    rmSync(folder, { recursive: true });
  });
});

describe('Python', () => {
  /** A machine with these interpreters: version, and whether it can create virtual environments. */
  const machine =
    (pythons: Record<string, [version: string, hasVenv: boolean]>) => (executable: string, code: string) => {
      const found = pythons[executable];
      return found === undefined || (code.includes('venv') && !found[1]) ? undefined : `${found[0]}\n`;
    };
  const failureOf = (pythons: Parameters<typeof machine>[0]): string =>
    refusalOf(() => requirePython(machine(pythons)));

  it("takes the system's, or another version next to it", () => {
    expect(requirePython(machine({ python3: ['3.12', true] }))).toEqual({
      executable: 'python3',
      version: '3.12',
    });
    const newer = { python3: ['3.14', true], 'python3.11': ['3.11', true] } as const;
    expect(
      requirePython(machine({ python3: [...newer.python3], 'python3.11': [...newer['python3.11']] }))
        .executable,
    ).toBe('python3.11');
  });

  it('reports in one line what is missing', () => {
    expect(failureOf({})).toContain('sudo apt-get install python3 python3-venv');
    expect(failureOf({ python3: ['3.12', false] })).toContain('sudo apt-get install python3-venv');
    expect(failureOf({ python3: ['3.14', true] })).toContain('python3 is 3.14');
    for (const line of [failureOf({}), failureOf({ python3: ['3.8', true] })]) {
      expect(line).toContain('GOSHAWK_NO_ROS=1');
      expect(line).not.toContain('\n');
    }
  });
});
