import { describe, expect, it } from 'vitest';
import { Gate } from '../../../../src/device/pipeline/scheduling/gate.ts';
import { makeJob } from '../fake-jobs.ts';

describe('Gate', () => {
  it('holds the newest frame and hands back the one that made room', () => {
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
