import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleManifestSchema } from '../../src/contract/bundle.ts';
import { makeValueInfo } from '../../src/model/onnx/build.ts';
import { writeModel } from '../../src/model/onnx/model.ts';
import { DATA_TYPE } from '../../src/model/onnx/schema.ts';
import { foreignDetector, FOREIGN_SIZE } from '../device/authoring/foreign-detector.ts';
import { tinyDetector } from '../device/authoring/tiny-detector.ts';
import { CLI } from '../support/programs.ts';

let folder = '';
let models = '';

function goshawk(...args: string[]) {
  const env = { ...process.env, GOSHAWK_MODELS: models, XDG_DATA_HOME: join(folder, 'data') };
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'models', ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-cli-'));
  models = join(folder, 'models');
  writeFileSync(join(folder, 'Tiny Net.onnx'), tinyDetector({ head: 'yolox', classes: 2 }));
  writeFileSync(join(folder, 'labels.txt'), 'person\r\ntraffic light\n\n');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('goshawk models', () => {
  it('import, list, show, verify, pack', () => {
    const imported = goshawk(
      'import',
      join(folder, 'Tiny Net.onnx'),
      '--labels',
      join(folder, 'labels.txt'),
      '--out',
      models,
    );
    expect(imported).toMatchObject({ status: 0, stderr: '' });
    expect(imported.stdout).toMatch(/head +yolox, detected by running the graph/);

    const list = goshawk('list', '--json');
    expect(JSON.parse(list.stdout)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'tiny-net', version: '1.0.0', head: 'yolox' }),
      ]),
    );
    const shown = JSON.parse(goshawk('show', 'tiny-net', '--json').stdout) as { manifest: unknown };
    expect(bundleManifestSchema.parse(shown.manifest).labels).toEqual(['person', 'traffic light']);
    expect(goshawk('show', 'tiny-net@1.0.0').stdout).toContain(
      'trained on bgr, letterbox top-left, border 114',
    );
    expect(goshawk('verify', 'tiny-net').stdout).toContain('digest, input, head and labels are correct');

    const out = join(folder, 'tiny.tar');
    expect(goshawk('pack', 'tiny-net', '--out', out)).toMatchObject({ status: 0 });
    expect(readFileSync(out).includes('bundle.json')).toBe(true);
  });

  it('a failed probe proves nothing: the batch is open in the header only', () => {
    const model = foreignDetector({ layout: 'objectness-one', classes: 2 });
    model.graph.input = [makeValueInfo('picture', DATA_TYPE.FLOAT, ['batch', 3, FOREIGN_SIZE, FOREIGN_SIZE])];
    const file = join(folder, 'open-batch.onnx');
    writeFileSync(file, writeModel(model));
    const imported = goshawk('import', file, '--labels', join(folder, 'labels.txt'), '--out', models);
    expect(imported).toMatchObject({ status: 0, stderr: '' });
    const shown = JSON.parse(goshawk('show', 'open-batch', '--json').stdout) as { manifest: unknown };
    // that it was tried and failed is the reason for a batch of one
    expect(bundleManifestSchema.parse(shown.manifest).variants[0]!.batch).toEqual({ min: 1, max: 1 });
  });

  it('training settings of a network can be given', () => {
    const { status } = goshawk(
      ...['import', join(folder, 'Tiny Net.onnx'), '--labels', join(folder, 'labels.txt'), '--out', models],
      ...[
        '--name',
        'said',
        '--version',
        '2.1.0',
        '--head',
        'yolox',
        '--color',
        'rgb',
        '--scale',
        '0.00392156862745098',
      ],
      ...['--mean', '0.485,0.456,0.406', '--std', '0.229,0.224,0.225', '--anchor', 'center', '--pad', '0'],
      ...['--resize', 'average'],
    );
    expect(status).toBe(0);
    const manifest = bundleManifestSchema.parse(
      JSON.parse(readFileSync(join(models, 'said', '2.1.0', 'bundle.json'), 'utf8')),
    );
    expect(manifest.input).toEqual({
      width: 64,
      height: 64,
      colorOrder: 'rgb',
      anchor: 'center',
      padValue: 0,
      resize: 'average',
    });
  });

  it.each([
    [['import', 'nowhere.onnx', '--labels', 'coco80'], 1, 'GOSHAWK_FILE_UNREADABLE'],
    [['import', 'Tiny Net.onnx', '--labels', 'coco80'], 1, 'GOSHAWK_LABELS_MISMATCH'],
    [['import', 'labels.txt', '--labels', 'coco80'], 1, 'GOSHAWK_MODEL_UNREADABLE'],
    [['import', 'Tiny Net.onnx', '--labels', 'coco80', '--mean', '1,2'], 2, 'three numbers'],
    [['import', 'Tiny Net.onnx'], 1, '--labels'],
    [['show', 'nothing'], 1, 'GOSHAWK_BUNDLE_NOT_FOUND'],
  ] as const)('%j exits with %i and says why', ([command, file, ...rest], status, reported) => {
    const out = command === 'import' ? ['--out', join(folder, 'refused')] : [];
    const path = command === 'import' ? join(folder, file) : file;
    const result = goshawk(command, path, ...rest, ...out);
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(reported);
    expect(readdirSync(folder)).not.toContain('refused');
  });

  it('the same import has the same digest; lineage draws the tree and exits with 1 if a parent was changed', () => {
    const file = join(folder, 'Tiny Net.onnx');
    const labels = ['--labels', join(folder, 'labels.txt')];
    const made = (out: string, ...more: string[]): string => {
      const { status, stdout } = goshawk('import', file, ...labels, '--out', join(folder, out), ...more);
      expect(status).toBe(0);
      return /digest +([0-9a-f]{64})/.exec(stdout)?.[1] ?? '';
    };
    const base = made('models', '--name', 'base');
    expect(base).toMatch(/^[0-9a-f]{64}$/);
    expect(made('elsewhere', '--name', 'base')).toBe(base);
    expect(made('timed', '--name', 'base', '--created-at', '2026-01-02T03:04:05Z')).not.toBe(base);

    made('models', '--name', 'child', '--parent', 'base', '--created-at', '2026-01-02T03:04:05Z');
    const held = goshawk('lineage', 'child', '--with', file);
    expect(held).toMatchObject({ status: 0, stderr: '' });
    expect(held.stdout).toMatch(
      new RegExp(
        `^child@1.0.0  [0-9a-f]{12}  import  2026-01-02 03:04  no AP  0.11 MB\n└── base@1.0.0  ${base.slice(0, 12)}`,
      ),
    );
    expect(held.stdout).toMatch(/imported file [0-9a-f]{12}, matches/);

    const manifest = join(models, 'base', '1.0.0', 'bundle.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"score": 0.25', '"score": 0.2'));
    const changed = goshawk('lineage', 'child', '--json');
    expect(changed.status).toBe(1);
    expect(JSON.parse(changed.stdout)).toMatchObject({
      schema: 'goshawk.lineage/1',
      holds: false,
      tree: { name: 'child', parents: [{ name: 'base', digest: base, state: 'different' }] },
    });
  });

  it('an existing version is refused, and verify reports a damaged one', () => {
    const again = [
      'import',
      join(folder, 'Tiny Net.onnx'),
      '--labels',
      join(folder, 'labels.txt'),
      '--out',
      models,
    ];
    goshawk(...again, '--name', 'twice');
    expect(goshawk(...again, '--name', 'twice')).toMatchObject({ status: 1 });
    const file = join(models, 'twice', '1.0.0', 'model.onnx');
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const verified = goshawk('verify', 'twice');
    expect(verified).toMatchObject({ status: 1 });
    expect(verified.stderr).toContain('GOSHAWK_BUNDLE_DIGEST');
  });

  it('verify checks the lineage of a bundle, including sizes, and states that nothing is signed', () => {
    const file = join(folder, 'Tiny Net.onnx');
    goshawk(...['import', file, '--labels', join(folder, 'labels.txt'), '--out', models, '--name', 'forged']);
    const whole = goshawk('verify', 'forged');
    expect(whole.stdout).toMatch(/lineage: 4 digests and links hold, 0 do not, 1 not at hand\nunsigned: /);
    expect(whole.status).toBe(0);
    const place = join(models, 'forged', '1.0.0', 'bundle.json');
    const text = readFileSync(place, 'utf8');
    const manifest = bundleManifestSchema.parse(JSON.parse(text));
    manifest.lineage.stages!.at(-1)!.outputDigest = '0'.repeat(64);
    writeFileSync(place, JSON.stringify(manifest));
    const forged = goshawk('verify', 'forged');
    expect(forged.stdout).toContain('lineage: import: output is a file of the bundle 000000000000, DIFFERS');
    expect(forged.status).toBe(1);
    const size = `"bytes": ${manifest.references!.bytes}`;
    expect(text).toContain(size);
    writeFileSync(place, text.replace(size, `"bytes": ${manifest.references!.bytes - 1}`));
    const other = goshawk('verify', 'forged');
    expect(other.stderr).toMatch(
      /GOSHAWK_BUNDLE_INVALID: .*references\.json has \d+ bytes, but the manifest says \d+/,
    );
    expect(other.status).toBe(1);
  });
});
