import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { ERROR_TEMPLATES } from '../../src/contract/errors.ts';
import { STREAM_NAMES } from '../../src/contract/telemetry/streams.ts';
import { CAMERA_PARAMETERS } from '../../src/ros/camera/parameters.ts';
import { DETECTOR_PARAMETERS } from '../../src/ros/detector/parameters.ts';
import { nameTopics } from '../../src/ros/detector/topics.ts';
import {
  anchorsOf,
  inlineCodeOf,
  linksOf,
  readDocuments,
  ROOT,
  sourceText,
  type Inline,
} from './documents.ts';
import { allOptions } from './goshawk-command.ts';
import { launchArguments, schemaParameters } from './launch-arguments.ts';
import { fleetMetricsText, metricsText } from './metrics-text.ts';

const documents = readDocuments();
const inlines = documents.flatMap(inlineCodeOf);
const code = sourceText(
  ['src', 'scripts', 'launch', 'deploy'],
  /\.(ts|mjs|py|sh|xml|ya?ml|toml|tsv)$|^[a-z0-9-]+$/,
);

/** Options of other programs. */
const FOREIGN_OPTIONS = new Set([
  '--clock', // ros2 bag play
  '--cmake-args', // colcon
  '--inputIOFormats', // trtexec
  '--memPoolSize', // trtexec
  '--show-args', // ros2 launch
  '--params-file', // rcl
  '--ros-args', // rcl
  '--no-arr', // ros2 topic
]);

/** Foreign names that look like ours. */
const FOREIGN_NAMES = new Set([
  'image_transport',
  'rmw_fastrtps',
  'rclpy',
  'launch_ros',
  'pg_dump',
  'pg_basebackup',
  'common_interfaces',
  'proclaims_copyable_arguments', // CUDA
]);

/** Files of other repositories. */
const FOREIGN_FILES = new Set(['docs/operators.md']);

const places = (wrong: readonly Inline[]): string[] => wrong.map(({ place, text }) => `${place}: ${text}`);

/** Everything in the documents, blocks included, that matches a pattern. */
function mentions(pattern: RegExp): Inline[] {
  return documents.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(pattern)].map(([found]) => ({ place: `${path}:${index + 1}`, text: found })),
      ),
  );
}

it('error codes and variables that documents name exist', () => {
  const variables = new Set(code.match(/\bGOSHAWK_[A-Z0-9_]+\b/g));
  const cmake = readFileSync(join(ROOT, 'CMakeLists.txt'), 'utf8');
  const unknown = mentions(/\bGOSHAWK_[A-Z0-9_]+\b/g).filter(
    ({ text }) => !(text in ERROR_TEMPLATES) && !variables.has(text) && !cmake.includes(text),
  );
  expect(places(unknown)).toEqual([]);
});

it('metrics that documents name are scraped', async () => {
  const text = (await metricsText()) + (await fleetMetricsText());
  const metrics = new Set([...text.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name!));
  const modules = /^goshawk_(optimize|training)$/;
  const named = mentions(/\bgoshawk_[a-z_]+\b/g).filter(({ text: name }) => !modules.test(name));
  expect(named.length).toBeGreaterThan(3);
  expect(places(named.filter(({ text: name }) => !metrics.has(name)))).toEqual([]);
});

/** Options of the training are fields of its settings, prefixed with the stage if a command has several. */
function isSetting(option: string): boolean {
  const field = option.replace(/^--(?:qat-|prune-)?/, '').replaceAll('-', '_');
  return new RegExp(`^ {4}${field}: `, 'm').test(code);
}

it('options that documents name are options of some command', () => {
  const options = allOptions();
  const wrong = inlines
    .flatMap(({ place, text }) =>
      [...text.matchAll(/(?<![\w-])--[a-z][\w-]*/gi)].map(([option]) => ({ place, text: option })),
    )
    .filter(
      ({ text }) =>
        !options.has(text) && !FOREIGN_OPTIONS.has(text) && !code.includes(text) && !isSetting(text),
    );
  expect(places(wrong)).toEqual([]);
});

it('arguments and parameters in documents exist', () => {
  const known = new Set([
    ...Object.keys(DETECTOR_PARAMETERS),
    ...Object.keys(CAMERA_PARAMETERS),
    ...launchArguments('perception.launch.py'),
    ...launchArguments('demo.launch.py'),
    'use_sim_time',
    'name',
  ]);
  const given = mentions(/\b[a-z_]+(?=:=)/g);
  expect(given.length).toBeGreaterThan(10);
  expect(places(given.filter(({ text }) => !known.has(text)))).toEqual([]);
});

it('the table of launch arguments is that of the launch file', () => {
  const ros = documents.find(({ path }) => path === 'docs/ros.md')!.text;
  const table = /\| argument \| default \| \|\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(ros)?.[1] ?? '';
  const listed = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  );
  expect(table).toContain('every parameter of the detector');
  expect(new Set([...listed, ...schemaParameters()])).toEqual(launchArguments('perception.launch.py'));
});

it('topics that documents name are topics of the detector, or of telemetry', () => {
  const known = new Set(
    nameTopics(['/front/image_raw', '/rear/image_raw', '/stereo/left', '/stereo/right'], 'auto').flatMap(
      ({ image, detections, annotated, annotatedCompressed, visionInfo }) => [
        ...[image, detections, annotated, annotatedCompressed, visionInfo],
      ],
    ),
  );
  const named = inlines.filter(({ text }) => /^\/(front|rear|stereo)\/[\w/]+$/.test(text));
  expect(named.length).toBeGreaterThan(5);
  expect(places(named.filter(({ text }) => !known.has(text)))).toEqual([]);

  const telemetry = documents.find(({ path }) => path === 'docs/telemetry.md')!.text;
  const streams = [...telemetry.matchAll(/^\| `fleet\/v1\/\{site\}\/\{robot\}\/\{node\}\/([\w-]+)`/gm)].map(
    ([, name]) => name!,
  );
  expect(streams.length).toBeGreaterThan(2);
  expect(streams.sort()).toEqual([...STREAM_NAMES].sort());
});

it('lower-case names with underscores occur in the code', () => {
  const words = new Set(code.match(/\b[a-z]+(?:_[a-z0-9]+)+\b/g));
  const wrong = inlines.filter(
    ({ text }) => /^[a-z]+(_[a-z0-9]+)+$/.test(text) && !words.has(text) && !FOREIGN_NAMES.has(text),
  );
  expect(places(wrong)).toEqual([]);
});

it('files and links that documents name exist', () => {
  const files = inlines.filter(
    ({ text }) => /^(src|test|scripts|docs|launch)\/[\w./-]+$/.test(text) && !FOREIGN_FILES.has(text),
  );
  expect(files.length).toBeGreaterThan(20);
  expect(places(files.filter(({ text }) => !existsSync(join(ROOT, text))))).toEqual([]);

  const broken = documents.flatMap((document) =>
    linksOf(document).filter(({ text }) => {
      if (/^[a-z]+:/.test(text)) return false;
      const [file = '', anchor] = text.split('#');
      const path = file === '' ? document.path : normalize(join(dirname(document.path), file));
      if (!existsSync(join(ROOT, path))) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(join(ROOT, path), 'utf8')).has(anchor);
    }),
  );
  expect(places(broken)).toEqual([]);
});

it('bundles that documents name with a version in a command come with the project', () => {
  const named = mentions(/\bgoshawk-street[a-z-]*@\d+\.\d+\.\d+/g);
  const gone = named.filter(
    ({ text }) => !existsSync(join(ROOT, 'models', text.replace('@', '/'), 'bundle.json')),
  );
  expect(places(gone)).toEqual([]);
});
