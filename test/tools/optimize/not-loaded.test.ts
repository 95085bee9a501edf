import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../../../src');

/**
 * Files that are loaded together with these, according to their import statements. Programs import the rest of theirs
 * with `import()`, once they know that Node is new enough; elsewhere such modules are loaded only when it is called.
 */
function loadedWith(entries: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const programs = entries.map((entry) => join(SRC, entry));
  const waiting = [...programs];
  while (waiting.length > 0) {
    const file = waiting.pop()!;
    if (seen.has(file)) continue;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    const imports = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?'(\.[^']+)'/gm);
    const later = programs.includes(file) ? text.matchAll(/await import\('(\.[^']+)'\)/g) : [];
    for (const [, path] of [...imports, ...later]) waiting.push(join(dirname(file), path!));
  }
  return new Set([...seen].map((file) => relative(SRC, file)));
}

const nodes = readdirSync(join(SRC, 'ros/nodes')).map((name) => `ros/nodes/${name}`);

describe('what runs on a robot', () => {
  it('is found by this test', () => {
    expect(loadedWith(['device/inference/worker-main.ts']).has('device/inference/session.ts')).toBe(true);
    expect(loadedWith(['tools/optimize/optimize.ts']).has('tools/optimize/quantizer.ts')).toBe(true);
  });

  it.each([
    ['the nodes', nodes],
    ['the workers of inference', ['device/inference/worker-main.ts', 'device/inference/child-main.ts']],
    ['goshawk run', ['tools/run/run.ts']],
    ['the command line, before one of its commands is chosen', ['cli.ts']],
  ])('%s loads nothing of "goshawk optimize"', (_, entries) => {
    const loaded = [...loadedWith(entries)].filter((file) => file.startsWith('tools/optimize/'));
    expect(loaded).toEqual([]);
  });
});
