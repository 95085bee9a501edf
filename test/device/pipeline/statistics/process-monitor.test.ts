import { describe, expect, it } from 'vitest';
import { ProcessMonitor } from '../../../../src/device/pipeline/statistics/process-monitor.ts';

/** Blocks the thread, like a long computation. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('ProcessMonitor', () => {
  it('shows no delay before it has watched', () => {
    const { eventLoopDelayMs, rssBytes } = new ProcessMonitor().read();
    expect(eventLoopDelayMs).toEqual({ p50: 0, p99: 0, max: 0 });
    expect(rssBytes).toBeGreaterThan(10e6);
  });

  it('detects that the thread was blocked, and delays increase with the percentile', async () => {
    const monitor = new ProcessMonitor();
    monitor.start();
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 12));
    block(150);
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 12));
    monitor.stop();
    const { p50, p99, max } = monitor.read().eventLoopDelayMs;
    expect(max).toBeGreaterThan(50);
    expect(p99).toBeGreaterThanOrEqual(p50);
    expect(p50).toBeGreaterThanOrEqual(0);
  });
});
