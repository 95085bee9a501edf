import { describe, expect, it } from 'vitest';
import type { BundleVariant } from '../../../src/contract/bundle.ts';
import type { Bundle } from '../../../src/device/bundles/bundle.ts';
import { cpuVariants, pickFastest } from '../../../src/tools/bench/pick-variant.ts';

function variant(id: string, more: Partial<BundleVariant>): BundleVariant {
  const facts = { file: `${id}.onnx`, sha256: 'a'.repeat(64), bytes: 1, batch: { min: 1, max: 1 } };
  return { id, precision: 'int8', providers: ['cpu'], ...facts, ...more };
}

describe('cpuVariants', () => {
  const variants = [
    variant('int8', {}),
    variant('int8-exact', { requires: { int8: 'exact' } }),
    variant('fp32', { providers: ['cuda', 'cpu'] }),
    variant('int8-tensorrt', { providers: ['tensorrt'] }),
  ];
  const bundle = { manifest: { variants } } as unknown as Bundle;
  const ids = (arithmetic: 'exact' | 'saturating') => cpuVariants(bundle, arithmetic).map(({ id }) => id);

  it('leaves out what would compute something else here', () => {
    expect(ids('exact')).toEqual(['int8', 'int8-exact', 'fp32']);
    expect(ids('saturating')).toEqual(['int8', 'fp32']);
  });
});

describe('pickFastest', () => {
  it('takes the fastest, and the earlier one of two that are about as fast', () => {
    expect(pickFastest([{ milliseconds: 3 }, { milliseconds: 2 }, { milliseconds: 4 }]).milliseconds).toBe(2);
    expect(pickFastest([{ milliseconds: 2.05 }, { milliseconds: 2 }]).milliseconds).toBe(2.05);
  });
});
