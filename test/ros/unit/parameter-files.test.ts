import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoshawkError } from '../../../src/contract/errors.ts';
import { splitRosArguments, type ParameterSource } from '../../../src/ros/arguments.ts';
import { parseParameterFile, readParameterOverrides } from '../../../src/ros/parameters/files.ts';

const NODE = '/goshawk/detector';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-params-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): ParameterSource {
  const path = join(folder, name);
  writeFileSync(path, text);
  return { kind: 'file', path };
}

async function read(
  sources: readonly ParameterSource[],
  unmatched: string[] = [],
): Promise<Record<string, unknown>> {
  const overrides = await readParameterOverrides(sources, NODE, (path) => unmatched.push(path));
  return Object.fromEntries([...overrides].map(([name, { value }]) => [name, value]));
}

describe('parseParameterFile', () => {
  it('joins namespaces and nested names, and reads YAML 1.1 booleans', () => {
    const text = `
goshawk:
  detector:
    ros__parameters:
      strict: yes
      tracking: off
      nested: {inner: 3}
/camera/camera: {ros__parameters: {rate: 30.0}}
`;
    const sections = parseParameterFile(text, 'f.yaml');
    expect(sections.map(({ node }) => node)).toEqual(['goshawk/detector', '/camera/camera']);
    expect(Object.fromEntries(sections[0]!.values)).toEqual({
      strict: true,
      tracking: false,
      'nested.inner': 3,
    });
  });

  it('takes an empty file', () => {
    expect(parseParameterFile('', 'f.yaml')).toEqual([]);
  });

  it.each([
    ['a: [1', 'f.yaml'],
    ['just text', 'the file'],
    ['/goshawk/detector: 3', '/goshawk/detector'],
  ])('refuses %j and says where', (text, where) => {
    expect(() => parseParameterFile(text, 'f.yaml')).toThrow(GoshawkError);
    expect(() => parseParameterFile(text, 'f.yaml')).toThrow(where);
  });
});

describe('readParameterOverrides', () => {
  it('lets later sections, files and rules win, and ignores other nodes', async () => {
    const sources: ParameterSource[] = [
      file(
        'a.yaml',
        '/**: {ros__parameters: {a: 1, b: 1, c: 1}}\n/goshawk/detector: {ros__parameters: {b: 2}}\n',
      ),
      file('b.yaml', '/*/detector: {ros__parameters: {c: 3}}\n/camera/camera: {ros__parameters: {a: 9}}\n'),
      { kind: 'rule', node: '', name: 'd', value: '[car, bus]' },
      { kind: 'rule', node: 'detector', name: 'e', value: 'yes' },
      { kind: 'rule', node: 'camera', name: 'a', value: '9' },
    ];
    expect(await read(sources)).toEqual({ a: 1, b: 2, c: 3, d: ['car', 'bus'], e: true });
  });

  it('reads the file that launch_ros writes for a node with a full name', async () => {
    const text = `/goshawk/detector:
  ros__parameters:
    score_threshold: 0.33
    image_topics: !!python/tuple
    - /front/image_raw
`;
    expect(await read([file('launch.yaml', text)])).toEqual({
      score_threshold: 0.33,
      image_topics: ['/front/image_raw'],
    });
  });

  it('reports a file that only has sections for other nodes', async () => {
    const unmatched: string[] = [];
    const other = file('other.yaml', '/front/detector: {ros__parameters: {a: 1}}\n');
    expect(await read([other], unmatched)).toEqual({});
    expect(unmatched).toEqual([join(folder, 'other.yaml')]);
  });

  it('refuses a missing file with a code', async () => {
    const missing: ParameterSource = { kind: 'file', path: join(folder, 'missing.yaml') };
    await expect(read([missing])).rejects.toMatchObject({ code: 'GOSHAWK_FILE_UNREADABLE' });
  });
});

describe('splitRosArguments', () => {
  it('keeps parameters from rcl and leaves the rest to it', () => {
    const args = splitRosArguments([
      ...['node', 'detector.js', '--own', '--ros-args', '-r', '__node:=eye', '--params-file', 'p.yaml'],
      ...[
        '-p',
        'detector:score:=0.3',
        '--param',
        'url:=mqtt://h:1',
        '--',
        'rest',
        '--ros-args',
        '--log-level',
        'debug',
      ],
    ]);
    expect(args.parameters).toEqual([
      { kind: 'file', path: 'p.yaml' },
      { kind: 'rule', node: 'detector', name: 'score', value: '0.3' },
      { kind: 'rule', node: '', name: 'url', value: 'mqtt://h:1' },
    ]);
    expect(args.forRcl).toEqual([
      ...['node', 'detector.js', '--own', '--ros-args', '-r', '__node:=eye'],
      ...['--', 'rest', '--ros-args', '--log-level', 'debug'],
    ]);
    expect(args.own).toEqual(['--own', 'rest']);
  });

  it.each([['-p'], ['-p', 'noassignment'], ['--params-file'], ['-p', ':=3'], ['-p', 'node::=3']])(
    'refuses %s',
    (...given) => {
      expect(() => splitRosArguments(['node', 'x', '--ros-args', ...given])).toThrow();
    },
  );
});
