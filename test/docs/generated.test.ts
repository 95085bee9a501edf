import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DROP_DESCRIPTIONS } from '../../src/contract/drops.ts';
import { ERROR_TEMPLATES } from '../../src/contract/errors.ts';
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
  const context = { device: {} as DeviceView, node: 'detector', log: () => undefined };
  const off = PARTS.filter((definition) => definition.create(EVERY_PART, context) === null);
  expect(off).toEqual([]);
});

it('docs/metrics.md has every metric (npm run generate rewrites it)', async () => {
  await expect(await metricTable()).toMatchFileSnapshot(join(ROOT, 'docs/metrics.md'));
});

it('docs/ros.md has every parameter (npm run generate rewrites the tables)', async () => {
  const file = join(ROOT, 'docs/ros.md');
  await expect(withParameterTables(readFileSync(file, 'utf8'))).toMatchFileSnapshot(file);
});
