import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bundleManifestSchema } from '../../src/contract/bundle.ts';
import { lineageFactsSchema, lineageSchema } from '../../src/contract/lineage.ts';

const DIGEST = 'a'.repeat(64);

it('loads a bundle written before stages existed, without losing anything', () => {
  const file = new URL('golden/bundle-before-stages.json', import.meta.url);
  const written: unknown = JSON.parse(readFileSync(file, 'utf8'));
  expect(bundleManifestSchema.parse(written)).toEqual(written);
});

it('accepts stages with their facts and keeps unknown keys', () => {
  const record = {
    createdAt: '2026-11-23T09:30:11.798Z',
    tool: 'goshawk models import',
    codeCommit: 'd75bf54436ca4ef31b443b91e36756729f833950-dirty',
    parents: [{ name: 'street-base', version: '1.0.0', digest: DIGEST, role: 'weights' }],
    stages: [
      {
        stage: 'train',
        finishedAt: '2026-11-23T09:27:48Z',
        host: { cpu: 'AMD EPYC', cores: 2, os: 'Linux', memoryGiB: 23.5 },
        dataset: { simulator: '1.0.0', seeds: [1, 2, 3], count: 1500, digest: DIGEST, chunk: 500 },
        schedules: { learningRate: { kind: 'cosine', from: 0.0015, to: 0.00003 } },
      },
      {
        stage: 'prune',
        pruning: { pattern: 'channels', sparsity: 0.9, macsBefore: 4.8e8, macsAfter: 6e7 },
        schedules: { sparsity: { kind: 'cubic', from: 0.5, to: 0.9, steps: 4000 } },
        teacher: { name: 'street-base', digest: DIGEST, temperature: 4 },
      },
      { stage: 'something-of-next-year', calibration: { digest: DIGEST, count: 80, method: 'entropy' } },
    ],
    training: { seconds: 3577 },
  };
  expect(lineageSchema.parse(record)).toEqual(record);
});

it('needs no time, and no parents for a model without known history', () => {
  expect(lineageSchema.parse({ tool: 'test' })).toEqual({ tool: 'test', parents: [] });
});

it.each([
  ['a digest cut short', { sourceDigest: 'abc' }],
  ['a sparsity in percent', { stages: [{ stage: 'prune', pruning: { sparsity: 90 } }] }],
  ['a stage without a name', { stages: [{ seconds: 4 }] }],
  ['a time without a zone', { stages: [{ stage: 'train', finishedAt: '2026-11-23T09:27:48' }] }],
  ['a calibration without its digest', { stages: [{ stage: 'optimize', calibration: { count: 80 } }] }],
  ['a parent without its digest', { parents: [{ name: 'street-base' }] }],
])('refuses %s', (_, facts) => {
  expect(lineageFactsSchema.safeParse(facts).success).toBe(false);
});
