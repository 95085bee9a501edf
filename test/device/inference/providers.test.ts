import { describe, expect, it } from 'vitest';
import type { BundleVariant } from '../../../src/contract/bundle.ts';
import { PROVIDERS, type ProviderName } from '../../../src/contract/providers.ts';
import { engineFits } from '../../../src/device/inference/engine-compat.ts';
import {
  chooseProvider,
  describeRefusals,
  listSupportedProviders,
  supportFrom,
  type ProviderRequest,
} from '../../../src/device/inference/providers.ts';
import { executionProviders } from '../../../src/device/inference/session.ts';

function variant(id: string, providers: ProviderName[], engine?: BundleVariant['engine']): BundleVariant {
  return {
    id,
    file: `${id}.onnx`,
    sha256: '0'.repeat(64),
    bytes: 1,
    precision: 'fp32',
    providers,
    batch: { min: 1, max: 1 },
    ...(engine === undefined ? {} : { engine }),
  };
}

const all = (...available: ProviderName[]) =>
  (['tensorrt', 'cuda', 'cpu'] as const).map((provider) => ({
    provider,
    available: available.includes(provider),
    reason: available.includes(provider) ? '' : 'is not installed',
  }));

const ORIN = { tensorrt: '10.3.0', computeCapability: '8.7' };

function choose(changes: Partial<ProviderRequest>) {
  const choice = chooseProvider({
    preferred: ['tensorrt', 'cuda', 'cpu'],
    supported: all('cpu'),
    variants: [variant('fp32', ['tensorrt', 'cuda', 'cpu'])],
    strict: false,
    variant: null,
    host: { tensorrt: null, computeCapability: null },
    machine: 'x64-vnni',
    int8: 'exact',
    ...changes,
  });
  return {
    taken: choice.candidates.map(
      ({ provider, variant: { id }, exactInt8, onlyAfterRefusal }) =>
        `${provider} ${id}${exactInt8 ? ' exact' : ''}${onlyAfterRefusal ? ' after refusal' : ''}`,
    ),
    refused: describeRefusals(choice.refusals),
    foreign: choice.foreignEngine,
  };
}

describe('the providers of one session', () => {
  const chains = (changes: Partial<ProviderRequest>) =>
    chooseProvider({
      preferred: ['tensorrt', 'cuda', 'cpu'],
      supported: all('tensorrt', 'cuda', 'cpu'),
      variants: [variant('fp32', ['tensorrt', 'cuda', 'cpu'])],
      strict: false,
      variant: null,
      host: ORIN,
      machine: 'x64-vnni',
      int8: 'exact',
      ...changes,
    }).candidates.map((candidate) => executionProviders(candidate));

  it('are the chosen one, the less preferred ones, and the CPU at the end', () => {
    expect(chains({})).toEqual([['tensorrt', 'cuda', 'cpu'], ['cuda', 'cpu'], ['cpu']]);
    expect(chains({ strict: true })).toEqual([['tensorrt', 'cuda', 'cpu']]);
    expect(chains({ preferred: ['cuda', 'tensorrt'] })).toEqual([
      ['cuda', 'tensorrt', 'cpu'],
      ['tensorrt', 'cpu'],
    ]);
  });

  it('leave out what cannot be used here, or was not requested', () => {
    expect(chains({ supported: all('tensorrt', 'cpu') })).toEqual([['tensorrt', 'cpu'], ['cpu']]);
    expect(chains({ preferred: ['tensorrt', 'cpu'] })).toEqual([['tensorrt', 'cpu'], ['cpu']]);
  });
});

describe('choosing a provider', () => {
  it('falls back along the preference and says why', () => {
    expect(choose({})).toEqual({
      taken: ['cpu fp32'],
      refused: 'tensorrt: is not installed; cuda: is not installed',
      foreign: null,
    });
  });

  it('keeps the order of the preference, so that the next can be tried when loading fails', () => {
    expect(choose({ supported: all('tensorrt', 'cuda', 'cpu') }).taken).toEqual([
      'tensorrt fp32',
      'cuda fp32',
      'cpu fp32',
    ]);
    expect(choose({ preferred: ['cpu', 'cuda'], supported: all('cuda', 'cpu') }).taken).toEqual([
      'cpu fp32',
      'cuda fp32',
    ]);
  });

  it('strict uses only the first preferred provider', () => {
    expect(choose({ strict: true })).toMatchObject({ taken: [], refused: 'tensorrt: is not installed' });
    expect(choose({ strict: true, preferred: ['cpu'] })).toMatchObject({ taken: ['cpu fp32'], refused: '' });
  });

  it('offers the variants that are meant for the provider, in the order of the manifest', () => {
    const variants = [variant('fp16', ['cuda']), variant('int8', ['cpu']), variant('fp32', ['cpu'])];
    expect(choose({ variants }).taken).toEqual(['cpu int8', 'cpu fp32']);
    expect(choose({ variants, variant: 'fp32' }).taken).toEqual(['cpu fp32']);
    expect(choose({ variants, variant: 'fp64' })).toMatchObject({
      taken: [],
      refused: expect.stringContaining('cpu: the bundle has no variant fp64') as string,
    });
  });

  it('a provider that no variant is meant for is refused', () => {
    const variants = [variant('fp16', ['cuda'])];
    expect(choose({ variants })).toMatchObject({
      taken: [],
      refused: expect.stringContaining('cpu: no variant of the bundle is meant for it') as string,
    });
  });
});

describe('8-bit variants on a CPU whose products saturate', () => {
  const float = variant('fp32', ['cpu']);
  const int8 = { ...variant('int8', ['cpu']), precision: 'int8' as const };
  const needsExact = { ...int8, requires: { int8: 'exact' as const } };
  const saturating = { machine: 'x64-avx2', int8: 'saturating' } as const;

  it('are first run as they are, and last with exact kernels if they are refused', () => {
    const { taken } = choose({ variants: [int8, float], ...saturating });
    expect(taken).toEqual(['cpu int8', 'cpu fp32', 'cpu int8 exact after refusal']);
  });

  it('are run with exact kernels only if they state that they need exact products', () => {
    const { taken } = choose({ variants: [needsExact, float], ...saturating });
    expect(taken).toEqual(['cpu fp32', 'cpu int8 exact']);
  });

  it('are like any other if products are exact, and on a GPU', () => {
    expect(choose({ variants: [needsExact, float] }).taken).toEqual(['cpu int8', 'cpu fp32']);
    const onGpu = { ...needsExact, providers: ['cuda' as const] };
    expect(choose({ variants: [onGpu], supported: all('cuda', 'cpu'), ...saturating }).taken).toEqual([
      'cuda int8',
    ]);
  });

  it('come after those that the manifest lists as faster on this kind of machine', () => {
    const stats = { runs: 1, threads: 1, host: 'a CPU' };
    const known = (entry: BundleVariant, p50: number): BundleVariant => ({
      ...entry,
      latencies: [{ ...stats, machine: 'x64-vnni', p50 }],
    });
    const variants = [float, known(variant('slow', ['cpu']), 5), known(int8, 2)];
    expect(choose({ variants }).taken).toEqual(['cpu int8', 'cpu slow', 'cpu fp32']);
    expect(choose({ variants, ...saturating }).taken).toEqual([
      'cpu fp32',
      'cpu slow',
      'cpu int8',
      'cpu int8 exact after refusal',
    ]);
  });
});

describe('built engines', () => {
  const engine = variant('engine', ['tensorrt'], { tensorrt: '10.3.0', computeCapability: '8.7' });
  const plain = variant('fp32', ['tensorrt', 'cpu']);

  it('are used if they were built for this TensorRT and GPU', () => {
    const choice = choose({ variants: [engine, plain], supported: all('tensorrt', 'cpu'), host: ORIN });
    expect(choice).toEqual({
      taken: ['tensorrt engine', 'tensorrt fp32', 'cpu fp32'],
      refused: 'cuda: is not installed',
      foreign: null,
    });
  });

  it('give way to a plain variant elsewhere', () => {
    const host = { ...ORIN, tensorrt: '10.7.0' };
    const choice = choose({ variants: [engine, plain], supported: all('tensorrt', 'cpu'), host });
    expect(choice.taken).toEqual(['tensorrt fp32', 'cpu fp32']);
  });

  it('name both sides if nothing else is left', () => {
    expect(choose({ variants: [engine] })).toMatchObject({
      taken: [],
      foreign: {
        variant: 'engine',
        built: 'TensorRT 10.3.0 and compute capability 8.7',
        found: 'no TensorRT and no known GPU',
      },
    });
  });

  it.each([
    ['10.3.0', '8.7', true],
    ['10.3', '8.7', true],
    ['10.3.1', '8.7', false],
    ['8.6.2', '8.7', false],
    ['10.3.0', '8.6', false],
  ])('built for %s on %s: %s', (tensorrt, computeCapability, fits) => {
    expect(engineFits({ tensorrt, computeCapability }, ORIN)).toBe(fits);
  });
});

describe('what the inference library supports', () => {
  it('a provider is unavailable if its library is not next to the binding', () => {
    const backends = [
      { name: 'cpu', bundled: true },
      { name: 'cuda', bundled: false },
      { name: 'tensorrt', bundled: false },
    ];
    const found = supportFrom({
      backends,
      libraries: ['libonnxruntime_providers_cuda.so', 'libonnxruntime.so.1'],
    });
    const available = found.filter((support) => support.available).map(({ provider }) => provider);
    expect(available).toEqual(['cuda', 'cpu']);
    expect(supportFrom({ backends: [], libraries: [] }).map(({ reason }) => reason)).toEqual(
      PROVIDERS.map(() => 'ONNX Runtime was built without it'),
    );
  });

  it('always includes the CPU', () => {
    expect(listSupportedProviders().find(({ provider }) => provider === 'cpu')?.available).toBe(true);
  });
});
