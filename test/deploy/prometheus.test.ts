import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fleetMetricsText, metricsText } from '../docs/metrics-text.ts';
import { DASHBOARDS, DEPLOY, promQueries, readYaml } from '../support/dashboards.ts';
import { describeWith } from '../support/needs.ts';
import { promtool, PROMTOOL } from '../support/promtool.ts';

/** A file of alerts, as Prometheus reads it; its own checker, where it is there, has the last word. */
const rulesSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Goshawk[A-Z]\w+$/),
          expr: z.string().min(1),
          for: z
            .string()
            .regex(/^\d+[smhd]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({ summary: z.string().min(1), description: z.string().optional() }),
        }),
      ),
    }),
  ),
});
const alerts = rulesSchema
  .parse(readYaml('prometheus/goshawk.rules.yml'))
  .groups.flatMap(({ rules }) => rules);

/** Metrics that are served, with those that a histogram is made of. */
let served: ReadonlySet<string>;
beforeAll(async () => {
  const text = (await metricsText()) + (await fleetMetricsText());
  served = new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = '', kind]) =>
      kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
});

const metricsIn = (expr: string): string[] => expr.match(/\b(?:goshawk_\w+|ingest_lag_seconds)\b/g) ?? [];

describe('what is asked of Prometheus', () => {
  const asked = [...promQueries(), ...alerts.map(({ alert, expr }) => [alert, expr] as const)];

  it.each(asked)('%s is about metrics that are served', (_place, expr) => {
    const names = metricsIn(expr);
    expect(expr.startsWith('up{') ? ['up'] : names).not.toEqual([]);
    expect(names.filter((name) => !served.has(name))).toEqual([]);
  });

  it('is everything that the fleet serves: a metric that nobody looks at is one too many', async () => {
    const ofFleet = [...(await fleetMetricsText()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
    const used = asked.flatMap(([, expr]) => metricsIn(expr)).map((name) => name.replace(/_bucket$/, ''));
    expect(ofFleet.filter((name) => !used.includes(name) && !UNSEEN.has(name))).toEqual([]);
  });

  it('has no label for each robot: the number of series does not grow with the fleet', async () => {
    const labels = new Set([...(await fleetMetricsText()).matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
    expect([...labels].filter((name) => !BOUNDED.has(name ?? ''))).toEqual([]);
  });
});

/** For whoever looks into one process. */
const UNSEEN = new Set([
  'goshawk_fleet_acks_dropped',
  'goshawk_fleet_acks_sent',
  'goshawk_fleet_clip_downloads',
  'goshawk_fleet_clip_downloads_total',
  'goshawk_fleet_clips_bytes',
  'goshawk_fleet_clips_budget_bytes',
  'goshawk_fleet_clips_removed',
  'goshawk_fleet_rollups_made',
  'goshawk_fleet_ledger_settled',
  'goshawk_fleet_ledger_reopened',
  'goshawk_fleet_job_failures',
]);
/** Labels whose values are known beforehand; of sites there are 51 at most (test/fleet/metrics). */
const BOUNDED = new Set(['stream', 'reason', 'le', 'job', 'state', 'trouble', 'site', 'end']);

describe('dashboards of Grafana', () => {
  const sources = z
    .object({ datasources: z.array(z.object({ uid: z.string(), type: z.string() })) })
    .parse(readYaml('grafana/provisioning/datasources/goshawk.yml')).datasources;

  it.each(DASHBOARDS)(
    '%s has panels that do not overlap, and data sources that are provisioned',
    (_file, one) => {
      const { panels } = one;
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      for (const { datasource, targets } of panels)
        for (const source of [datasource, ...targets.map((target) => target.datasource)])
          expect(sources).toContainEqual({ uid: source.uid, type: source.type });
      const taken = new Set<string>();
      for (const { title, gridPos } of panels) {
        expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(taken, title).not.toContain(`${x} ${y}`);
            taken.add(`${x} ${y}`);
          }
      }
    },
  );

  it('have names of their own', () => {
    expect(new Set(DASHBOARDS.map(([, { uid }]) => uid)).size).toBe(DASHBOARDS.length);
  });
});

describeWith([PROMTOOL], 'by the checker of Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-prometheus-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('alerts fire when they should, and only then', () => {
    expect(promtool(['test', 'rules', 'goshawk.rules.test.yml'], { cwd: join(DEPLOY, 'prometheus') })).toBe(
      '',
    );
  });

  it('the configuration is valid', () => {
    for (const name of ['prometheus.yml', 'goshawk.rules.yml'])
      copyFileSync(join(DEPLOY, 'prometheus', name), join(folder, name));
    writeFileSync(join(folder, 'fleet.token'), 'x');
    expect(promtool(['check', 'config', 'prometheus.yml'], { cwd: folder })).toBe('');
  });

  it('what dashboards ask for is PromQL', () => {
    const rules = promQueries().map(([, expr], at) => ({ record: `query:${at}`, expr }));
    const check = (group: object): string => {
      writeFileSync(join(folder, 'queries.yml'), JSON.stringify({ groups: [group] }));
      return promtool(['check', 'rules', 'queries.yml'], { cwd: folder });
    };
    expect(check({ name: 'dashboards', rules })).toBe('');
    expect(check({ name: 'wrong', rules: [{ record: 'x', expr: 'sum by (' }] })).not.toBe('');
  });

  it('what the fleet serves is well-formed', async () => {
    expect(promtool(['check', 'metrics'], { input: await fleetMetricsText() })).toBe('');
  });
});
