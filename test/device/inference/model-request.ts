import type { ModelRequest } from '../../../src/device/inference/runner-messages.ts';

/** What most tests ask of a runner: the CPU with one thread, and no references. */
const USUAL = {
  padValue: 114,
  resize: 'average',
  maxBatch: 4,
  provider: 'cpu',
  fallbacks: [],
  threads: 1,
  variant: 'fp32',
  exactInt8: false,
  reference: { kind: 'unchecked', why: 'the bundle has no references' },
  inputs: 'both',
} as const satisfies Partial<ModelRequest>;

/** A request for a model of which only what is special is given. */
export function modelRequest(
  special: Omit<ModelRequest, keyof typeof USUAL> & Partial<ModelRequest>,
): ModelRequest {
  return { ...USUAL, ...special };
}
