import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BundleManifest } from '../../../src/contract/bundle.ts';
import { MAX_REFERENCE_BYTES, type References } from '../../../src/contract/references.ts';
import { addReferences } from '../../../src/device/authoring/add-references.ts';
import { loadBundle, MANIFEST_FILE, readManifest, type Bundle } from '../../../src/model/bundle.ts';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { LineageReader, lineageHolds } from '../../../src/model/lineage.ts';
import { LineageSources } from '../../../src/model/lineage-sources.ts';
import { ModelRepository } from '../../../src/model/repository.ts';
import { readReferences } from '../../../src/device/references/read-references.ts';
import { tinyDetector } from '../authoring/tiny-detector.ts';

let folder = '';
let bundle: Bundle;

const importTiny = async (out: string, referenceImages?: null): Promise<Bundle> => {
  const file = join(folder, 'tiny.onnx');
  await writeFile(file, tinyDetector({ head: 'yolox', classes: 2, batch: 'n' }));
  const labels = ['person', 'car'];
  const pictures = referenceImages === undefined ? {} : { referenceImages };
  return (await importModel({ file, out, name: 'tiny', version: '1.0.0', labels, tool: 'test', ...pictures }))
    .bundle;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-references-'));
  bundle = await importTiny(join(folder, 'models'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A copy of the bundle with changed references and a manifest that matches them. */
async function withReferences(change: (references: References) => unknown): Promise<Bundle> {
  const own = await mkdtemp(join(folder, 'changed-'));
  await cp(bundle.folder, own, { recursive: true });
  const file = join(own, 'references.json');
  const changed = change(JSON.parse(await readFile(file, 'utf8')) as References);
  const text = typeof changed === 'string' ? changed : JSON.stringify(changed);
  await writeFile(file, text);
  const manifestFile = join(own, MANIFEST_FILE);
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as BundleManifest;
  const bytes = Math.min(MAX_REFERENCE_BYTES, Buffer.byteLength(text));
  manifest.references = { file: 'references.json', sha256: sha256(text), bytes };
  await writeFile(manifestFile, JSON.stringify(manifest));
  return readManifest(own);
}

it('accepts the lineage of a bundle with added references until the references change', async () => {
  const models = join(folder, 'lineage');
  const old = await importTiny(models, null);
  const { bundle: added } = await addReferences(old, { out: models });
  const read = async () =>
    new LineageReader(new LineageSources(await new ModelRepository([models]).list())).read(added);

  expect(lineageHolds(await read())).toBe(true);
  await writeFile(join(added.folder, 'references.json'), '{}');

  expect(lineageHolds(await read())).toBe(false);
});

describe('the references of an imported model', () => {
  it('are a small file named by the manifest, with outputs for every input', async () => {
    const { references } = bundle.manifest;
    expect(references?.bytes).toBeLessThanOrEqual(MAX_REFERENCE_BYTES);
    const loaded = await readReferences(bundle);
    expect(loaded?.inputs.length).toBeGreaterThanOrEqual(4);
    const own = loaded?.variants.get('fp32');
    expect(own?.outputs).toHaveLength(loaded?.inputs.length ?? 0);
    expect(own?.outputs[0]?.scores.length).toBeGreaterThan(0);
    for (const input of loaded?.inputs ?? []) expect(input.byteLength).toBe(64 * 64 * 3);
  });

  it('are the same byte for byte each time', async () => {
    const again = await importTiny(join(folder, 'again'));
    expect(again.digest).toBe(bundle.digest);
  });

  it('are missing in an older bundle, and are added in a new version', async () => {
    const old = await importTiny(join(folder, 'old'), null);
    expect(old.manifest.references).toBeUndefined();
    expect(await readReferences(old)).toBeNull();
    const added = await addReferences(old, { out: join(folder, 'old') });
    expect(added.bundle.manifest.version).toBe('1.0.1');
    expect(added.bundle.manifest.lineage.parents).toEqual([
      { name: 'tiny', version: '1.0.0', digest: old.digest },
    ]);
    expect((await readReferences(added.bundle))?.variants.get('fp32')).toBeDefined();
  });
});

describe('references are refused', () => {
  const refused = async (changed: Bundle, code: string, reason: RegExp): Promise<void> => {
    await expect(readReferences(changed)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(reason) as string,
    });
  };

  it('if they changed after the manifest was written, like the whole bundle', async () => {
    const changed = await withReferences((references) => references);
    await writeFile(join(changed.folder, 'references.json'), '{}');
    await refused(changed, 'GOSHAWK_BUNDLE_DIGEST', /references\.json/);
    await expect(loadBundle(changed.folder)).rejects.toMatchObject({ code: 'GOSHAWK_BUNDLE_DIGEST' });
  });

  it('if they are missing', async () => {
    const changed = await withReferences((references) => references);
    await rm(join(changed.folder, 'references.json'));
    await refused(changed, 'GOSHAWK_FILE_UNREADABLE', /references\.json/);
    await expect(loadBundle(changed.folder)).rejects.toMatchObject({ code: 'GOSHAWK_FILE_UNREADABLE' });
  });

  it('if they were made for another file of the variant', async () => {
    const changed = await withReferences(({ variants, ...rest }) => ({
      ...rest,
      variants: variants.map((variant) => ({ ...variant, sha256: sha256('another') })),
    }));
    await refused(changed, 'GOSHAWK_REFERENCES_INVALID', /fp32 were made for another file/);
  });

  it('if they are for a variant that does not exist', async () => {
    const changed = await withReferences(({ variants, ...rest }) => ({
      ...rest,
      variants: variants.map((variant) => ({ ...variant, id: 'int4' })),
    }));
    await refused(changed, 'GOSHAWK_REFERENCES_INVALID', /variant int4/);
  });

  it('if they have values for fewer inputs', async () => {
    const changed = await withReferences(({ variants, ...rest }) => ({
      ...rest,
      variants: variants.map((variant) => ({ ...variant, outputs: variant.outputs.slice(1) })),
    }));
    await refused(changed, 'GOSHAWK_REFERENCES_INVALID', /inputs/);
  });

  it('if their inputs decode to other pixels', async () => {
    const changed = await withReferences(({ inputs, ...rest }) => ({
      ...rest,
      inputs: inputs.map((input) => (input.kind === 'noise' ? { ...input, seed: input.seed + 1 } : input)),
    }));
    await refused(changed, 'GOSHAWK_REFERENCES_INVALID', /other pixels/);
  });

  it('if a stored image is invalid or of another size', async () => {
    const broken = await withReferences(({ inputs, ...rest }) => ({
      ...rest,
      inputs: inputs.map((input) =>
        input.kind === 'picture' ? { ...input, data: Buffer.from('no image').toString('base64') } : input,
      ),
    }));
    await refused(broken, 'GOSHAWK_REFERENCES_INVALID', /input 1 is not an image/);
    const resized = await withReferences(({ inputs, ...rest }) => ({
      ...rest,
      inputs: inputs.map((input) => (input.kind === 'picture' ? { ...input, enlarge: 16 } : input)),
    }));
    await refused(resized, 'GOSHAWK_REFERENCES_INVALID', /input 1 is/);
  });

  it('if the file is too large', async () => {
    const changed = await withReferences(() => ' '.repeat(MAX_REFERENCE_BYTES + 1));
    await refused(changed, 'GOSHAWK_REFERENCES_INVALID', /200001 bytes/);
  });

  it('if the JSON is nested too deeply or does not follow the schema', async () => {
    await refused(await withReferences(() => '['.repeat(100_000)), 'GOSHAWK_REFERENCES_INVALID', /nested/);
    await refused(
      await withReferences(() => ({ schema: 'another' })),
      'GOSHAWK_REFERENCES_INVALID',
      /schema/,
    );
  });

  it('if the file is a FIFO, without waiting for it', async () => {
    const changed = await withReferences((references) => references);
    const file = join(changed.folder, 'references.json');
    await rm(file);
    execFileSync('mkfifo', [file]);
    await refused(changed, 'GOSHAWK_REFERENCES_INVALID', /regular file/);
  });
});
