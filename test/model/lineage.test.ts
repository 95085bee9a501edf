import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BundleManifest } from '../../src/contract/bundle.ts';
import { readManifest, type Bundle } from '../../src/model/bundle.ts';
import { LineageReader, lineageHolds, nodesOf, type LineageNode } from '../../src/model/lineage.ts';
import { LineageSources } from '../../src/model/lineage-sources.ts';
import { lineageText } from '../../src/model/lineage-text.ts';
import { ModelRepository } from '../../src/model/repository.ts';
import { writeBundle } from '../../src/model/write-bundle.ts';

type Lineage = BundleManifest['lineage'];

const GRAPH = new TextEncoder().encode('stands for a graph');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const digestOf = (letter: string): string => letter.repeat(64);

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'goshawk-lineage-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function manifest(
  name: string,
  lineage: Partial<Lineage>,
  more: Partial<BundleManifest> = {},
): BundleManifest {
  return {
    schema: 'goshawk.bundle/1',
    name,
    version: '1.0.0',
    head: 'yolox',
    labels: ['person'],
    input: {
      width: 64,
      height: 64,
      colorOrder: 'bgr',
      anchor: 'top-left',
      padValue: 114,
      resize: 'bilinear',
    },
    thresholds: { score: 0.25, iou: 0.45, maxDetections: 300 },
    variants: [
      {
        id: 'fp32',
        file: 'model.onnx',
        sha256: sha256(GRAPH),
        bytes: GRAPH.byteLength,
        precision: 'fp32',
        providers: ['cpu'],
        batch: { min: 1, max: 1 },
      },
    ],
    lineage: { tool: 'test', parents: [], ...lineage },
    parameters: 1,
    macs: 1,
    ...more,
  };
}

const put = (
  name: string,
  lineage: Partial<Lineage> = {},
  more: Partial<BundleManifest> = {},
): Promise<Bundle> => writeBundle(root, manifest(name, lineage, more), new Map([['model.onnx', GRAPH]]));

const parentOf = ({ manifest: { name, version }, digest }: Bundle) => ({ name, version, digest });

async function read(bundle: Bundle, files = new Map<string, string>()): Promise<LineageNode> {
  const sources = new LineageSources(await new ModelRepository([root]).list());
  return new LineageReader(sources, files).read(await readManifest(bundle.folder));
}

/** `name state` of every bundle in the tree. */
const states = (tree: LineageNode): string[] =>
  [...nodesOf(tree)].map(({ name, state }) => `${name} ${state}`);

describe('an available lineage', () => {
  it('is followed by digest to the oldest parent, with all files checked', async () => {
    const base = await put('base');
    const pruned = await put('pruned', { parents: [parentOf(base)] });
    // a parent is found without a version
    const last = await put('last', { parents: [{ name: 'pruned', digest: pruned.digest }] });
    const tree = await read(last);
    expect(states(tree)).toEqual(['last here', 'pruned here', 'base here']);
    expect([...nodesOf(tree)].map(({ checks }) => checks.map(({ what, result }) => [what, result]))).toEqual(
      [0, 1, 2].map(() => [['model.onnx', 'matches']]),
    );
    expect(lineageHolds(tree)).toBe(true);
  });

  it('shows a parent of two bundles once and names it twice', async () => {
    const base = await put('base');
    const left = await put('left', { parents: [parentOf(base)] });
    const right = await put('right', { parents: [parentOf(base)] });
    const tree = await read(await put('both', { parents: [parentOf(left), parentOf(right)] }));
    expect(states(tree)).toEqual(['both here', 'left here', 'base here', 'right here', 'base repeated']);
  });

  it('finds a teacher stated by its checkpoint in the bundle made from it', async () => {
    const checkpoint = digestOf('c');
    const base = await put('base', {
      stages: [
        { stage: 'train', outputDigest: checkpoint },
        { stage: 'import', outputDigest: sha256(GRAPH) },
      ],
    });
    await put('base-optimized', { stages: [...(base.manifest.lineage.stages ?? []), { stage: 'optimize' }] });
    const student = await put('student', {
      stages: [
        { stage: 'train', outputDigest: checkpoint },
        {
          stage: 'distill',
          outputDigest: digestOf('d'),
          teacher: { name: 'teacher-checkpoint', digest: checkpoint },
        },
      ],
    });
    const tree = await read(student);
    expect(tree.parents).toMatchObject([{ name: 'base', role: 'teacher', state: 'checkpoint' }]);
    expect(lineageHolds(tree)).toBe(true);
  });
});

describe('content that is not available proves nothing', () => {
  it('reports a missing parent as missing', async () => {
    const tree = await read(await put('orphan', { parents: [{ name: 'base', digest: digestOf('a') }] }));
    expect(states(tree)).toEqual(['orphan here', 'base missing']);
    expect(lineageHolds(tree)).toBe(true);
    expect(lineageText(tree)[1]).toBe('└── base  aaaaaaaaaaaa  not at hand');
  });

  it('lists data, calibration and sources, and checks them if they are supplied', async () => {
    const bundle = await put(
      'told',
      {
        sourceDigest: digestOf('1'),
        datasetDigest: digestOf('2'),
        stages: [
          { stage: 'train', dataset: { digest: digestOf('2') }, codeDigest: digestOf('3') },
          {
            stage: 'optimize',
            calibration: { digest: digestOf('4'), count: 80, method: 'entropy' },
            outputDigest: sha256(GRAPH),
          },
        ],
      },
      {
        evaluation: [
          {
            dataset: 'val/a.json',
            datasetDigest: digestOf('5'),
            images: 9,
            ap: 0.4,
            ap50: 0.6,
            apByClass: {},
            evaluator: 'test',
          },
        ],
      },
    );
    const { checks } = await read(bundle, new Map([[digestOf('4'), 'calibration.json']]));
    expect(
      checks.map(({ what, result, file }) => [what, result, file === null ? null : file.replace(root, '')]),
    ).toEqual([
      ['model.onnx', 'matches', '/told/1.0.0/model.onnx'],
      ['optimize: output is a file of the bundle', 'matches', null],
      ['imported file', 'not at hand', null],
      ['training data', 'not at hand', null],
      ['train: code', 'not at hand', null],
      ['optimize: calibration', 'matches', 'calibration.json'],
      ['evaluated on val/a.json', 'not at hand', null],
    ]);
  });
});

describe('links between stages', () => {
  const [checkpoint, finer, onnx] = [digestOf('1'), digestOf('2'), digestOf('3')];
  const graph = sha256(GRAPH);
  /** Training, pruning and import of the bundle's only graph. */
  const chain = () => ({
    sourceDigest: onnx,
    stages: [
      { stage: 'train', outputDigest: checkpoint },
      { stage: 'prune', inputDigest: checkpoint, outputDigest: finer },
      { stage: 'import', inputDigest: onnx, outputDigest: graph },
      { stage: 'optimize', inputDigest: graph, outputDigest: graph },
    ],
  });

  it('are reported if they match', async () => {
    const tree = await read(await put('chain', chain()));
    expect(lineageHolds(tree)).toBe(true);
    expect(tree.checks.filter(({ what }) => / is /.test(what)).map(({ result }) => result)).toEqual(
      Array.from({ length: 5 }, () => 'matches'),
    );
  });

  it.each<[string, (lineage: ReturnType<typeof chain>) => unknown, string]>([
    ['the last output', ({ stages }) => (stages[3]!.outputDigest = '0'.repeat(64)), 'optimize: output'],
    ['the output of an import', ({ stages }) => (stages[2]!.outputDigest = '0'.repeat(64)), 'import: output'],
    ['the input of a stage', ({ stages }) => (stages[3]!.inputDigest = digestOf('9')), 'optimize: input'],
    ['the output of a checkpoint', ({ stages }) => (stages[0]!.outputDigest = digestOf('9')), 'prune: input'],
    ['the input of pruning', ({ stages }) => (stages[1]!.inputDigest = digestOf('9')), 'prune: input'],
    ['the imported file', (lineage) => (lineage.sourceDigest = digestOf('9')), 'import: input'],
  ])('differ if %s is forged', async (_, forge, what) => {
    const lineage = chain();
    forge(lineage);
    const tree = await read(await put('forged', lineage));
    expect(lineageHolds(tree)).toBe(false);
    const wrong = tree.checks.filter(({ result }) => result === 'differs').map((check) => check.what);
    expect(wrong).toContainEqual(expect.stringContaining(what));
  });

  it('reject an output digest of zeros if no other stage states the digest', async () => {
    const { stages } = chain();
    const [train, , ...later] = stages;
    const tree = await read(
      await put('zeros', {
        sourceDigest: onnx,
        stages: [{ ...train!, outputDigest: '0'.repeat(64) }, ...later],
      }),
    );
    expect(lineageHolds(tree)).toBe(false);
    expect(tree.checks.filter(({ result }) => result === 'differs').map(({ what }) => what)).toEqual([
      'train: output (no file has this digest)',
    ]);
  });

  it('do not replace files: a digest stated twice is still not at hand', async () => {
    const bundle = await put('chain', chain());
    const imported = async (files?: Map<string, string>) =>
      (await read(bundle, files)).checks.find(({ what }) => what === 'imported file')?.result;
    expect(await imported()).toBe('not at hand');
    expect(await imported(new Map([[onnx, 'model.onnx']]))).toBe('matches');
  });

  it('accept a graph of the parent as input, and leave it open without the parent', async () => {
    const other = new TextEncoder().encode('another graph');
    const base = await writeBundle(
      root,
      manifest(
        'base',
        {},
        {
          variants: [
            { ...manifest('base', {}).variants[0]!, sha256: sha256(other), bytes: other.byteLength },
          ],
        },
      ),
      new Map([['model.onnx', other]]),
    );
    const stages = [
      { stage: 'import', outputDigest: digestOf('7') },
      { stage: 'optimize', inputDigest: sha256(other), outputDigest: graph },
    ];
    const bundle = await put('child', { parents: [parentOf(base)], stages });
    const began = async (): Promise<string | undefined> =>
      (await read(bundle)).checks.find(({ what }) => what.startsWith('optimize: input'))?.result;
    expect(await began()).toBe('matches');
    await rm(base.folder, { recursive: true });
    expect(await began()).toBe('not at hand');
  });
});

describe('available content that differs', () => {
  it('is reported for a changed file of a parent', async () => {
    const base = await put('base');
    const last = await put('last', { parents: [parentOf(base)] });
    await appendFile(join(base.folder, 'model.onnx'), 'x');
    const tree = await read(last);
    expect(tree.parents[0]?.checks).toMatchObject([
      { what: 'model.onnx', result: 'differs', digest: sha256(GRAPH) },
    ]);
    expect(lineageHolds(tree)).toBe(false);
    expect(lineageText(tree).at(-2)).toBe('digests: 1 WRONG, 2 match, 0 not at hand');
  });

  it('is reported for a missing file', async () => {
    const base = await put('base');
    await rm(join(base.folder, 'model.onnx'));
    const tree = await read(base);
    expect(tree.checks).toMatchObject([{ result: 'unreadable', actual: null }]);
    expect(lineageHolds(tree)).toBe(false);
  });

  it('is reported for a parent whose manifest changed after the child was made', async () => {
    const base = await put('base');
    const last = await put('last', { parents: [parentOf(base)] });
    const file = join(base.folder, 'bundle.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"score": 0.25', '"score": 0.24'));
    const tree = await read(last);
    expect(tree.parents).toMatchObject([{ state: 'different', digest: base.digest, facts: null }]);
    expect(tree.parents[0]?.note).toContain(`${base.folder} has digest `);
    expect(lineageHolds(tree)).toBe(false);
  });

  it('is reported for a parent with a broken manifest', async () => {
    const base = await put('base');
    const last = await put('last', { parents: [parentOf(base)] });
    await writeFile(join(base.folder, 'bundle.json'), '{');
    const tree = await read(last);
    expect(tree.parents).toMatchObject([
      { state: 'different', note: `${base.folder}: GOSHAWK_BUNDLE_INVALID` },
    ]);
  });

  it('is reported for a parent with another name', async () => {
    const base = await put('base');
    const tree = await read(await put('last', { parents: [{ ...parentOf(base), name: 'better' }] }));
    expect(tree.parents).toMatchObject([
      { name: 'base', state: 'different', note: 'its child calls it better@1.0.0' },
    ]);
    expect(lineageHolds(tree)).toBe(false);
  });
});

describe('an endless lineage', () => {
  /** Bundles with made-up digests, which no hash function would yield. */
  function chain(length: number, parent: (i: number) => number): Bundle[] {
    const digest = (i: number): string => i.toString(16).padStart(64, '0');
    return Array.from({ length }, (_, i) => {
      const next = parent(i);
      const parents = next < length ? [{ name: `n${next}`, digest: digest(next) }] : [];
      return { manifest: manifest(`n${i}`, { parents }), folder: `/nowhere/n${i}/1.0.0`, digest: digest(i) };
    });
  }
  const readChain = (bundles: Bundle[]) =>
    new LineageReader(new LineageSources(bundles.map((bundle) => ({ folder: bundle.folder, bundle })))).read(
      bundles[0]!,
    );

  it('is refused for a cycle, which is named', async () => {
    await expect(readChain(chain(3, (i) => (i + 1) % 3))).rejects.toMatchObject({
      code: 'GOSHAWK_LINEAGE_INVALID',
      message: expect.stringContaining('n0@1.0.0 from n1@1.0.0 from n2@1.0.0 from n0@1.0.0') as string,
    });
  });

  it('is refused for a bundle that is its own parent', async () => {
    await expect(readChain(chain(1, () => 0))).rejects.toMatchObject({ code: 'GOSHAWK_LINEAGE_INVALID' });
  });

  it('is refused for too many generations', async () => {
    await expect(readChain(chain(40, (i) => i + 1))).rejects.toMatchObject({
      code: 'GOSHAWK_LINEAGE_INVALID',
      message: expect.stringContaining('more than 32 generations') as string,
    });
    expect([...nodesOf(await readChain(chain(30, (i) => i + 1)))]).toHaveLength(30);
  });
});

it('removes control characters of a foreign bundle from the text', async () => {
  const bundle = await put('odd', { parents: [{ name: 'x\u001b[2J\nroot', digest: digestOf('a') }] });
  expect(lineageText(await read(bundle))[1]).toBe('└── x?[2J?root  aaaaaaaaaaaa  not at hand');
});

it('prints one line per bundle as a tree, then stages, measurements and digests', async () => {
  const base = await put(
    'base',
    {
      createdAt: '2026-11-23T09:30:11.798Z',
      codeCommit: 'abc123',
      stages: [{ stage: 'train', dataset: { count: 8000, simulator: '1.0.0', seeds: [1, 2, 16] } }],
    },
    {
      evaluation: [
        {
          ...{
            dataset: 'val/a.json',
            images: 500,
            ap: 0.49005,
            ap50: 0.8193,
            apByClass: {},
            evaluator: 'goshawk evaluate',
          },
          ...{ host: { cpu: 'AMD EPYC', cores: 2, os: 'linux' }, measuredAt: '2026-11-23T10:00:00Z' },
        },
      ],
    },
  );
  const other = await put('other');
  const stages = [
    ...(base.manifest.lineage.stages ?? []),
    {
      stage: 'prune',
      finishedAt: '2026-11-24T01:02:03Z',
      codeCommit: `${'d'.repeat(40)}-dirty`,
      pruning: { pattern: 'channels', sparsity: 0.72, macsBefore: 481_551_616, macsAfter: 96_000_000 },
      schedules: { sparsity: { kind: 'cubic', first: 0.1 + 0.2, last: 0.9 } },
      dataset: { digest: 'e'.repeat(64) },
    },
  ];
  const pruned = manifest('pruned', {
    stages,
    parents: [parentOf(base), { ...parentOf(other), role: 'teacher' }],
  });
  pruned.variants[0]!.latencyMs = { p50: 3.25, runs: 100, threads: 1, host: 'AMD EPYC' };
  const bundle = await writeBundle(root, pruned, new Map([['model.onnx', GRAPH]]));
  const short = ({ digest }: Bundle): string => digest.slice(0, 12);
  const graph = sha256(GRAPH).slice(0, 12);
  expect(lineageText(await read(bundle))).toEqual([
    `pruned@1.0.0  ${short(bundle)}  train > prune  2026-11-24 01:02  no AP  0.00 MB  3.25 ms (fp32, AMD EPYC)`,
    `├── base@1.0.0  ${short(base)}  train  2026-11-23 09:30  AP 0.490  0.00 MB`,
    `└── (teacher)  other@1.0.0  ${short(other)}  test  no time  no AP  0.00 MB`,
    '',
    'pruned@1.0.0',
    '  train     8000 images drawn by simulator 1.0.0, seeds 1..16',
    '  prune     images of data eeeeeeeeeeee, sparsity 0.3 to 0.9 (cubic), 72.0 % of weights ' +
      'pruned (channels), 481.6 to 96.0 M MACs, commit dddddddddddd-dirty, 2026-11-24 01:02',
    `  digest    model.onnx ${graph}, matches`,
    '  digest    prune: data eeeeeeeeeeee, not at hand',
    '',
    'base@1.0.0',
    '  train     8000 images drawn by simulator 1.0.0, seeds 1..16',
    '  code      abc123',
    '  measured  AP 0.4900, AP50 0.8193 on 500 images of val/a.json, goshawk evaluate, AMD EPYC, 2026-11-23 10:00',
    `  digest    model.onnx ${graph}, matches`,
    '',
    'other@1.0.0',
    `  digest    model.onnx ${graph}, matches`,
    '',
    'digests: 5 match, 1 not at hand',
    'unsigned: what matches belongs together; nothing here proves who made it',
  ]);
});
