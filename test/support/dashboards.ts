import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const DEPLOY = join(import.meta.dirname, '../../deploy');
const FOLDER = join(DEPLOY, 'grafana/dashboards');

interface Source {
  readonly uid: string;
  readonly type: string;
}
export interface Target {
  readonly refId: string;
  readonly datasource: Source;
  readonly expr?: string;
  readonly rawSql?: string;
}
export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: Source;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly Target[];
}
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
  readonly annotations: { readonly list: readonly { readonly target: { readonly rawSql: string } }[] };
}

/** The dashboards that are shipped, by the name of their file. */
export const DASHBOARDS: readonly (readonly [string, Dashboard])[] = readdirSync(FOLDER)
  .sort()
  .map((name) => [name, JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Dashboard]);

/** A file of deploy/ in YAML. */
export function readYaml(path: string): unknown {
  return parse(readFileSync(join(DEPLOY, path), 'utf8'));
}

/** Expressions of Prometheus in dashboards, with where they are, as Grafana sends them. */
export function promQueries(): (readonly [string, string])[] {
  return DASHBOARDS.flatMap(([file, { panels }]) =>
    panels.flatMap(({ title, targets }) =>
      targets.flatMap(({ refId, expr }): (readonly [string, string])[] =>
        expr === undefined ? [] : [[`${file}: ${title} ${refId}`, expr.replaceAll('$__rate_interval', '1m')]],
      ),
    ),
  );
}

/** SQL in dashboards, with where it is: that of panels, variables and annotations. */
export function sqlQueries(): (readonly [string, string])[] {
  return DASHBOARDS.flatMap(([file, { panels, templating, annotations }]) => [
    ...panels.flatMap(({ title, targets }) =>
      targets.flatMap(({ refId, rawSql }): (readonly [string, string])[] =>
        rawSql === undefined ? [] : [[`${file}: ${title} ${refId}`, rawSql]],
      ),
    ),
    ...templating.list.map(({ name, query }) => [`${file}: variable ${name}`, query] as const),
    ...annotations.list.map(({ target }) => [`${file}: annotation`, target.rawSql] as const),
  ]);
}

/**
 * SQL as Grafana sends it: macros and variables are replaced.
 * @param variables by name
 * @throws Error for something that it would not replace
 */
export function asGrafanaSends(
  sql: string,
  { from, to }: { readonly from: Date; readonly to: Date },
  variables: Readonly<Record<string, string>>,
): string {
  const sent = sql
    .replace(
      /\$__timeFilter\(([\w."]+)\)/g,
      (_all, column: string) => `${column} BETWEEN '${from.toISOString()}' AND '${to.toISOString()}'`,
    )
    .replace(/\$\{(\w+):sqlstring\}/g, (all, name: string) => {
      const value = variables[name];
      return value === undefined ? all : `'${value.replaceAll("'", "''")}'`;
    });
  if (sent.includes('$')) throw new Error(`not replaced: ${sent}`);
  return sent;
}
