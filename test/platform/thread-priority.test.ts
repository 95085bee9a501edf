import { execFile } from 'node:child_process';
import { getPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const PROCESS = fileURLToPath(new URL('./yielding-process.ts', import.meta.url));
const threadsSchema = z.array(z.tuple([z.string(), z.number()]));

/** Priorities of the thread that yields and of all others, in a process that `nice` started. */
async function threadsAt(nice: number): Promise<{ own: number[]; others: number[] }> {
  const { stdout } = await promisify(execFile)('nice', ['-n', String(nice), process.execPath, PROCESS]);
  const threads = threadsSchema.parse(JSON.parse(stdout));
  const own = threads.filter(([name]) => name === 'gh-telemetry').map(([, value]) => value);
  const others = threads.filter(([name]) => name !== 'gh-telemetry').map(([, value]) => value);
  return { own, others };
}

describe('a thread that yields to others', () => {
  it('has a lower priority than all others of its process, those of the pool among them', async () => {
    const usual = getPriority();
    const { own, others } = await threadsAt(0);
    expect(own).toEqual([Math.max(10, usual)]);
    // those of the engine and of the pool
    expect(others.length).toBeGreaterThan(6);
    expect(new Set(others)).toEqual(new Set([usual]));
  });

  it('gets no higher priority than the others if theirs is lower already', async () => {
    const { own, others } = await threadsAt(15);
    expect(new Set([...own, ...others])).toEqual(new Set([Math.min(19, getPriority() + 15)]));
  });
});
