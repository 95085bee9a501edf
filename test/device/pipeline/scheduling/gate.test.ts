import { describe, expect, it } from 'vitest';
import { Gate } from '../../../../src/device/pipeline/scheduling/gate.ts';
import { makeJob } from '../fake-jobs.ts';

describe('Gate', () => {
  it('keeps the newest frame and returns the one that it replaced', () => {
    const gate = new Gate();
    const [older, newer] = [makeJob(), makeJob()];
    expect(gate.take()).toBeNull();
    expect(gate.put(older)).toBeNull();
    expect(gate.waiting).toBe(older);
    expect(gate.put(newer)).toBe(older);
    expect(gate.take()).toBe(newer);
    expect(gate.waiting).toBeNull();
    expect(gate.take()).toBeNull();
  });
});
