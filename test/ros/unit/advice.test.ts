import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CAMERA_PARAMETERS } from '../../../src/ros/camera/parameters.ts';
import { DETECTOR_PARAMETERS } from '../../../src/ros/detector/parameters.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The launch files accept every parameter by its schema; their other arguments are in their tables. */
function argumentsOf(file: string): string[] {
  const text = read(file);
  const tables = [...text.matchAll(/^(?:OTHER|CAMERA)_ARGUMENTS = \{\n([^]*?)^\}/gm)].map(
    ([, rows]) => rows!,
  );
  const rows = tables.flatMap((table) => [...table.matchAll(/^ {4}"(\w+)":/gm)].map(([, name]) => name!));
  const single = [...text.matchAll(/DeclareLaunchArgument\(\s*"(\w+)"/g)].map(([, name]) => name!);
  return [...rows, ...single];
}

const PERCEPTION = argumentsOf('launch/perception.launch.py');
const DEMO = argumentsOf('launch/demo.launch.py');
const LAUNCH = new Set([...Object.keys(DETECTOR_PARAMETERS), 'use_sim_time', ...PERCEPTION, ...DEMO]);

/** Literal words in documents and messages that stand for a name. */
const PLACEHOLDERS = new Set(['name', 'value']);

describe('arguments in advice exist', () => {
  const files = ['README.md', ...filesBelow('docs', /\.md$/), ...filesBelow('src', /\.ts$/)];
  const advised = files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line) =>
        [...line.matchAll(/(-p )?(?<![\w{$]|\w:)([a-z][a-z0-9_]*):=/g)].map(([, rule, name]) => ({
          file,
          name: name!,
          isRule: rule !== undefined,
        })),
      ),
  );

  it('there is advice to check', () => {
    expect(new Set(advised.map(({ name }) => name))).toContain('image_type');
    expect(advised.length).toBeGreaterThan(20);
  });

  it.each(advised.filter(({ name }) => !PLACEHOLDERS.has(name)))(
    '$name in $file is an argument of a launch file, or a parameter behind -p',
    ({ name, isRule }) => {
      const parameters = new Set([...LAUNCH, ...Object.keys(CAMERA_PARAMETERS)]);
      expect(isRule ? parameters : LAUNCH).toContain(name);
    },
  );

  // not assignments of SQL
  const named = filesBelow('src', /\.ts$/).flatMap((file) =>
    [...read(file).matchAll(/\bset ([a-z]+(?:_[a-z]+)+)\b(?! =)/g)].map(([, name]) => ({
      file,
      name: name!,
    })),
  );

  it.each(named)('$name, which $file advises to set, is an argument of a launch file', ({ name }) => {
    expect(LAUNCH).toContain(name);
  });

  it('the launch files know the camera arguments of the demo', () => {
    const known = /CAMERA_ARGUMENTS_OF_DEMO = \{(.*)\}/.exec(read('launch/perception.launch.py'))![1]!;
    expect(known.match(/\w+/g)!.sort()).toEqual(DEMO.filter((name) => name !== 'http_port').sort());
  });
});
