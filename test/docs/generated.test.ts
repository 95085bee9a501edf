import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { driftPolicySchema } from '../../src/contract/drift-policy.ts';
import { DROP_DESCRIPTIONS } from '../../src/contract/drops.ts';
import { ERROR_TEMPLATES } from '../../src/contract/errors.ts';
import { FEATURE_NAMES, FEATURES } from '../../src/core/drift/features.ts';
import { PARTS } from '../../src/device/parts.ts';
import type { DeviceView } from '../../src/device/runtime/part.ts';
import { ROOT } from './documents.ts';
import { EVERY_PART, fleetMetricsText, metricsText } from './metrics-text.ts';
import { withParameterTables } from './parameter-tables.ts';

/** Placeholders as a reader sees them: `{reason}` stays, `{fix|correct the value}` becomes its words. */
const readable = (template: string): string =>
  template
    .replace(/\{\w+\|([^}]*)\}/g, '$1')
    .replaceAll('\n', ' ')
    .replaceAll('|', '\\|');

function errorTable(): string {
  const rows = Object.entries(ERROR_TEMPLATES)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { message, fix }]) => `| \`${code}\` | ${readable(message)} | ${readable(fix)} |`);
  return [
    '# Error codes',
    '',
    'Every error that a person or a script can meet has one of these codes. A code never ' +
      'changes its meaning; the words may. `{...}` is filled in when the',
    'error occurs. Made by `npm run generate`.',
    '',
    '| code | what happened | what to do |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** Rows of metrics, as declared in the Prometheus text format. */
function metricRows(text: string): string[] {
  const kinds = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name, kind]) => [name, kind]));
  return [...text.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .sort(([, a = ''], [, b = '']) => (a < b ? -1 : 1))
    .map(([, name, help]) => `| \`${name}\` | ${kinds.get(name) ?? ''} | ${readable(help ?? '')} |`);
}

async function metricTable(): Promise<string> {
  return [
    '# Metrics',
    '',
    'What `/metrics` serves, in the Prometheus text format. Made by `npm run generate`.',
    '',
    '## The robot',
    '',
    '| metric | type | meaning |',
    '|---|---|---|',
    ...metricRows(await metricsText()),
    '',
    "## The fleet's end",
    '',
    'Served by `goshawk fleet serve` ([fleet.md](fleet.md)).',
    '',
    '| metric | type | meaning |',
    '|---|---|---|',
    ...metricRows(await fleetMetricsText()),
    '',
  ].join('\n');
}

const dropTable = (): string =>
  [
    '# Drop reasons',
    '',
    'Why a frame was received and not published. The names are labels of `goshawk_frames_dropped_total`,',
    'keys of reports and of `/api/status`, and part of telemetry; their meaning never changes.',
    'Made by `npm run generate`.',
    '',
    '| reason | meaning |',
    '|---|---|',
    ...Object.entries(DROP_DESCRIPTIONS).map(([reason, words]) => `| \`${reason}\` | ${words} |`),
    '',
  ].join('\n');

it('docs/drops.md has every drop reason (npm run generate rewrites it)', async () => {
  await expect(dropTable()).toMatchFileSnapshot(join(ROOT, 'docs/drops.md'));
});

it('docs/errors.md has every error code (npm run generate rewrites it)', async () => {
  await expect(errorTable()).toMatchFileSnapshot(join(ROOT, 'docs/errors.md'));
});

it('documents are generated with every part: one that is off by default has an example that enables it', () => {
  const context = { device: {} as DeviceView, node: 'detector', log: () => undefined, publishText: null };
  const off = PARTS.filter((definition) => definition.create(EVERY_PART, context) === null);
  expect(off).toEqual([]);
});

it('docs/metrics.md has every metric (npm run generate rewrites it)', async () => {
  await expect(await metricTable()).toMatchFileSnapshot(join(ROOT, 'docs/metrics.md'));
});

/** The table of features between its marks in docs/drift.md. */
function withFeatures(document: string): string {
  const rows = FEATURE_NAMES.map((name) => {
    const { source, unit, range, edges, resolution, meaning } = FEATURES[name];
    const [lowest, highest] = range.map((bound) => (bound === Infinity ? 'unbounded' : String(bound)));
    const last = Number(edges.at(-1)?.toPrecision(4));
    const edge = `${String(edges.length)}, ${Number(edges[0]?.toPrecision(4))} to ${last}`;
    const span = highest === 'unbounded' ? `from ${lowest}` : `${lowest} to ${highest}`;
    return `| \`${name}\` | ${source} | ${unit}, ${span} | ${edge} | ${String(resolution)} | ${meaning} |`;
  });
  const head = [
    '| feature | counted for each | unit and range | edges | resolution | meaning |',
    '|---|---|---|---|---|---|',
  ];
  return document.replace(
    /(<!-- features -->\n)[\s\S]*?(\n<!-- end -->)/,
    (_all, begin: string, end: string) => [begin, [...head, ...rows].join('\n'), end].join(''),
  );
}

it('docs/drift.md has every feature (npm run generate rewrites the table)', async () => {
  const file = join(ROOT, 'docs/drift.md');
  const document = readFileSync(file, 'utf8');
  expect(document).toContain('<!-- features -->');
  await expect(withFeatures(document)).toMatchFileSnapshot(file);
});

it('docs/ros.md has every parameter (npm run generate rewrites the tables)', async () => {
  const file = join(ROOT, 'docs/ros.md');
  await expect(withParameterTables(readFileSync(file, 'utf8'))).toMatchFileSnapshot(file);
});

it('docs/policy.schema.json describes policies (npm run generate rewrites it)', async () => {
  const schema = { title: 'Drift policy', ...z.toJSONSchema(driftPolicySchema, { io: 'input' }) };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(
    join(ROOT, 'docs/policy.schema.json'),
  );
});
