import type { LineageStage } from '../contract/lineage.ts';
import { nodesOf, type LineageNode } from './lineage.ts';
import type { DigestCheck } from './lineage-checks.ts';

const short = (digest: string): string => digest.slice(0, 12);

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** Rounds away the noise of floating-point arithmetic. */
const rounded = (value: number): number => Number(value.toPrecision(4));

/** Minutes are precise enough for display: `2026-11-23 09:30`. */
const minute = (moment: string): string => moment.slice(0, 16).replace('T', ' ');

const RESULTS: Readonly<Record<DigestCheck['result'], string>> = {
  matches: 'matches',
  differs: 'DIFFERS',
  unreadable: 'CANNOT BE READ',
  'not at hand': 'not at hand',
};

/**
 * A tree of bundles for a terminal: one line per bundle, then its stages and measurements, then every digest.
 */
export function lineageText(root: LineageNode): string[] {
  const described = new Map<string, LineageNode>();
  for (const node of nodesOf(root)) {
    if (node.facts !== null && !described.has(node.digest)) described.set(node.digest, node);
  }
  const lines = [...tree(root), ...[...described.values()].flatMap(details), ...summary(root)];
  // text from a foreign bundle may contain control characters that move the cursor
  return lines.map((text) => text.replace(/\p{Cc}/gu, '?'));
}

function tree(root: LineageNode): string[] {
  const lines = [line(root)];
  const branch = (node: LineageNode, indent: string): void => {
    node.parents.forEach((parent, i) => {
      const last = i === node.parents.length - 1;
      lines.push(`${indent}${last ? '└── ' : '├── '}${line(parent)}`);
      branch(parent, `${indent}${last ? '    ' : '│   '}`);
    });
  };
  branch(root, '');
  return lines;
}

function line(node: LineageNode): string {
  const { name, version, digest, role, facts, state, note } = node;
  const parts = [`${version === null ? name : `${name}@${version}`}  ${short(digest)}`];
  if (role !== null && role !== 'weights') parts.unshift(`(${role})`);
  if (facts !== null) {
    const { made, when, ap, bytes, latency } = facts;
    parts.push(made.join(' > '), when === null ? 'no time' : minute(when));
    parts.push(ap === null ? 'no AP' : `AP ${ap.toFixed(3)}`, megabytes(bytes));
    if (latency !== null) parts.push(`${latency.p50.toFixed(2)} ms (${latency.variant}, ${latency.host})`);
  }
  const mark = MARKS[state];
  if (mark !== null) parts.push(mark);
  if (note !== null) parts.push(`(${note})`);
  return parts.join('  ');
}

const MARKS: Readonly<Record<LineageNode['state'], string | null>> = {
  here: null,
  checkpoint: null,
  repeated: 'as above',
  missing: 'not at hand',
  different: 'DIFFERS',
};

function details({ name, version, facts, checks }: LineageNode): string[] {
  if (facts === null) return [];
  const rows: string[] = [];
  for (const stage of facts.stages) {
    const words = stageWords(stage);
    if (words.length > 0) rows.push(row(stage.stage, words));
  }
  // newer records have it per stage
  if (facts.codeCommit !== null && facts.stages.every(({ codeCommit }) => codeCommit === undefined)) {
    rows.push(row('code', [facts.codeCommit]));
  }
  for (const { dataset, ap, ap50, images, evaluator, variant, measuredAt, host } of facts.evaluation) {
    const words = [`AP ${ap.toFixed(4)}, AP50 ${ap50.toFixed(4)} on ${images} images of ${dataset}`];
    if (variant !== undefined) words.push(variant);
    words.push(evaluator);
    if (host !== undefined) words.push(host.cpu);
    if (measuredAt !== undefined) words.push(minute(measuredAt));
    rows.push(row('measured', words));
  }
  for (const check of checks) {
    const actual =
      check.result === 'differs' && check.actual !== null ? ` (it has ${short(check.actual)})` : '';
    rows.push(row('digest', [`${check.what} ${short(check.digest)}`, `${RESULTS[check.result]}${actual}`]));
  }
  return ['', `${name}@${version ?? ''}`, ...rows];
}

const row = (head: string, words: readonly string[]): string => `  ${head.padEnd(9)} ${words.join(', ')}`;

function stageWords(stage: LineageStage): string[] {
  const { pruning, calibration, dataset, teacher, host, codeCommit, finishedAt } = stage;
  const words: string[] = [];
  if (dataset !== undefined) words.push(images(dataset));
  for (const [what, { kind, first, last, from, to }] of Object.entries(stage.schedules ?? {})) {
    const [begin, end] = [first ?? from, last ?? to];
    const span =
      typeof begin === 'number' && typeof end === 'number' ? ` ${rounded(begin)} to ${rounded(end)}` : '';
    words.push(`${what}${span}${typeof kind === 'string' ? ` (${kind})` : ''}`);
  }
  if (pruning !== undefined) words.push(...pruningWords(pruning));
  if (calibration !== undefined) {
    words.push(
      `calibrated on ${calibration.count ?? '?'} images (${calibration.method ?? 'method unknown'})`,
    );
  }
  if (teacher !== undefined) words.push(`teacher ${teacher.name} ${short(teacher.digest)}`);
  const tensorrt = stage.toolVersions?.['tensorrt'];
  if (tensorrt !== undefined) words.push(`TensorRT ${tensorrt}`);
  if (codeCommit !== undefined) words.push(`commit ${codeCommit.replace(/^([0-9a-f]{12})[0-9a-f]*/, '$1')}`);
  if (host !== undefined) words.push(`on ${host.cpu}`);
  if (finishedAt !== undefined) words.push(minute(finishedAt));
  return words;
}

function images(dataset: NonNullable<LineageStage['dataset']>): string {
  const { name, count, simulator, digest, seeds = [] } = dataset;
  const of = name === undefined ? '' : ` of ${name}`;
  const [first, last] = [seeds[0], seeds.at(-1)];
  const range = first === last ? `${first ?? '?'}` : `${first ?? '?'}..${last ?? '?'}`;
  const drawn = simulator === undefined ? '' : ` drawn by simulator ${simulator}, seeds ${range}`;
  const unnamed = name === undefined && simulator === undefined && digest !== undefined;
  const which = unnamed ? ` of data ${short(digest)}` : '';
  return `${count === undefined ? '' : `${count} `}images${of}${drawn}${which}`;
}

function pruningWords(pruning: NonNullable<LineageStage['pruning']>): string[] {
  const { pattern, sparsity, macsBefore, macsAfter } = pruning;
  const words: string[] = [];
  if (sparsity !== undefined) {
    words.push(
      `${(sparsity * 100).toFixed(1)} % of weights pruned${pattern === undefined ? '' : ` (${pattern})`}`,
    );
  }
  if (macsBefore !== undefined && macsAfter !== undefined) {
    words.push(`${(macsBefore / 1e6).toFixed(1)} to ${(macsAfter / 1e6).toFixed(1)} M MACs`);
  }
  return words;
}

/** The lineage of a bundle in a line or two: failed checks by name, then how much could be checked. */
export function statedWords(checks: readonly DigestCheck[]): string[] {
  const count = (result: DigestCheck['result']): number =>
    checks.filter((check) => check.result === result).length;
  const wrong = checks.filter(({ result }) => result === 'differs' || result === 'unreadable');
  return [
    ...wrong.map(({ what, digest, result }) => `lineage: ${what} ${short(digest)}, ${RESULTS[result]}`),
    `lineage: ${count('matches')} digests and links hold, ${wrong.length} do not, ${count('not at hand')} not at hand`,
    UNSIGNED,
  ].map((text) => text.replace(/\p{Cc}/gu, '?'));
}

const UNSIGNED = 'unsigned: what matches belongs together; nothing here proves who made it';

function summary(root: LineageNode): string[] {
  const nodes = [...nodesOf(root)];
  const results = nodes.flatMap(({ checks }) => checks.map(({ result }) => result));
  const count = (result: DigestCheck['result']): number => results.filter((each) => each === result).length;
  const parents = nodes.filter(({ role }) => role !== null);
  const state = (wanted: LineageNode['state']): number =>
    parents.filter((node) => node.state === wanted).length;
  const wrong =
    count('differs') + count('unreadable') + nodes.filter((node) => node.state === 'different').length;
  const matching = count('matches') + parents.length - state('missing') - state('different');
  const absent = count('not at hand') + state('missing');
  return [
    '',
    `digests: ${wrong > 0 ? `${wrong} WRONG, ` : ''}${matching} match, ${absent} not at hand`,
    UNSIGNED,
  ];
}
