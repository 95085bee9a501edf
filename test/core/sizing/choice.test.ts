import { describe, expect, it } from 'vitest';
import {
  chooseSettings,
  isBelieved,
  isDoubtful,
  safeChoice,
  settleDoubts,
  type SettingRounds,
} from '../../../src/core/sizing/choice.ts';
import { candidatesFor, type EngineSetting } from '../../../src/core/sizing/settings.ts';
import { ALL_AUTO } from './all-auto.ts';

const TWO_CORES = candidatesFor({ cores: 2, isAccelerated: false }, ALL_AUTO);
const [ONE_THREAD, TWO_THREADS] = TWO_CORES.latency as [EngineSetting, EngineSetting];
const [TWO_WORKERS] = TWO_CORES.throughput as [EngineSetting];

const rounds = (setting: EngineSetting, latencyMs: number[], rate = latencyMs.map((ms) => 1000 / ms)) => ({
  setting,
  latencyMs,
  rate,
});

function choose(...measured: SettingRounds[]) {
  return chooseSettings(TWO_CORES, measured);
}

describe('chooseSettings', () => {
  it('chooses the fastest setting for latency and the one with the highest rate for throughput', () => {
    const choice = choose(
      rounds(ONE_THREAD, [12, 13, 12]),
      rounds(TWO_THREADS, [8, 8.2, 8.1]),
      rounds(TWO_WORKERS, [14, 14, 14], [140, 141, 150]),
    );
    expect(choice).toMatchObject({ latency: TWO_THREADS, throughput: TWO_WORKERS, isMeasured: true });
    expect(choice.why).toBe(
      'measured here: 1 worker x 2 threads, queue depth 1 (8.1 ms, 123 per second) has the lowest latency, ' +
        '2 workers x 1 thread, queue depth 2 (14.0 ms, 141 per second) has the highest rate',
    );
    expect(choice.measured).toHaveLength(3);
  });

  it('chooses fewer threads if more are hardly faster, and no throughput setting if none is clearly faster', () => {
    const choice = choose(
      rounds(ONE_THREAD, [8.5, 8.5, 8.6]),
      rounds(TWO_THREADS, [8, 8, 8]),
      rounds(TWO_WORKERS, [14, 14, 14], [168, 169, 170]),
    );
    expect(choice).toMatchObject({ latency: ONE_THREAD, throughput: TWO_WORKERS, isMeasured: true });
  });

  it('chooses no throughput setting if none is clearly faster', () => {
    const choice = choose(
      rounds(ONE_THREAD, [12, 12, 12]),
      rounds(TWO_THREADS, [8, 8, 8]),
      rounds(TWO_WORKERS, [16, 16, 16], [127, 128, 126]),
    );
    expect(choice).toMatchObject({ latency: TWO_THREADS, throughput: null, isMeasured: true });
    expect(choice.why).toContain('no other setting has a higher rate');
  });

  it('requires a setting to win in most rounds, not only in the median, and else to prove it under load', () => {
    const won = (rate: number[]) =>
      choose(rounds(TWO_THREADS, [10, 10, 10, 10]), rounds(TWO_WORKERS, [14, 14, 14, 14], rate));
    expect(won([120, 120, 120, 95])).toMatchObject({ throughput: TWO_WORKERS, isProven: true });
    const undecided = won([120, 120, 95, 95]);
    expect(undecided).toMatchObject({ throughput: TWO_WORKERS, isProven: false, isMeasured: true });
    expect(undecided.why).toBe(
      'measured here: 1 worker x 2 threads, queue depth 1 (10.0 ms, 100 per second) has the lowest latency, ' +
        'rounds do not agree on what has the highest rate: 2 workers x 1 thread, queue depth 2 is tried if frames ' +
        'are superseded and kept if it proves faster',
    );
    expect(won([103, 104, 95, 95])).toMatchObject({ throughput: null, isProven: false });
  });

  it('compares within a round, so that a machine that slows down for all changes nothing', () => {
    const choice = choose(
      rounds(TWO_THREADS, [8, 8, 15, 15, 15]),
      rounds(TWO_WORKERS, [14, 14, 25, 25, 25], [150, 150, 80, 80, 80]),
    );
    expect(choice).toMatchObject({ latency: TWO_THREADS, throughput: TWO_WORKERS });
  });

  it.each([
    [
      'too few rounds',
      [rounds(ONE_THREAD, [12, 12]), rounds(TWO_THREADS, [8, 8])],
      'measuring took too long',
    ],
    ['no rounds', [], 'measuring took too long'],
    [
      'rounds that differ too much',
      [rounds(ONE_THREAD, [12, 12, 12]), rounds(TWO_THREADS, [8, 8, 31])],
      'the machine is too busy to measure: rounds of the same setting differ by a factor of 3.9',
    ],
    [
      'two workers that had one core',
      [
        rounds(ONE_THREAD, [12, 12, 12]),
        rounds(TWO_THREADS, [8, 8, 8]),
        rounds(TWO_WORKERS, [44, 45, 44], [90, 89, 91]),
      ],
      'the machine is too busy to measure: its cores were not equally free for all workers and threads',
    ],
    [
      'two threads that are more than twice as fast as one',
      [rounds(ONE_THREAD, [12, 12, 12]), rounds(TWO_THREADS, [5, 5, 5])],
      'the machine is too busy to measure: its cores were not equally free for all workers and threads',
    ],
    [
      'a measurement of NaN',
      [rounds(TWO_THREADS, [Number.NaN, 8, 8])],
      'the machine is too busy to measure: rounds of the same setting differ by a factor of NaN',
    ],
  ])('falls back to the safe setting after %s', (_name, measured, why) => {
    const choice = choose(...measured);
    expect(choice).toMatchObject({ latency: TWO_THREADS, throughput: TWO_WORKERS, isMeasured: false });
    expect(choice.why).toBe(
      `${why}; 1 worker x 2 threads, queue depth 1 is safe on this machine, and 2 workers x 1 thread, queue depth 2 ` +
        'is tried if frames are superseded and kept if it proves faster',
    );
    expect(choice).toEqual(safeChoice(TWO_CORES, why));
  });

  it('does not limit the gain of a deeper queue on an accelerator', () => {
    const candidates = candidatesFor({ cores: 6, isAccelerated: true }, ALL_AUTO);
    const [shallow, deep] = [candidates.latency[0]!, candidates.throughput[0]!];
    const measured = [rounds(shallow, [2, 2, 2]), rounds(deep, [2, 2, 2], [900, 910, 905])];
    const choice = chooseSettings(candidates, measured);
    expect(choice).toMatchObject({ latency: shallow, throughput: deep, isMeasured: true });
  });

  it('has no throughput setting to try on one core', () => {
    const { throughput, why } = safeChoice(candidatesFor({ cores: 1, isAccelerated: false }, ALL_AUTO), 'no');
    expect(throughput).toBeNull();
    expect(why).toBe('no; 1 worker x 1 thread, queue depth 1 is safe on this machine');
  });

  it('tolerates one disturbed round in five', () => {
    expect(choose(rounds(TWO_THREADS, [8, 8, 40, 8, 8]))).toMatchObject({ isMeasured: true });
  });
});

describe('a doubtful measurement', () => {
  const scaled = rounds(TWO_WORKERS, [29, 29, 29], [127, 128, 126]);
  const doubtful = choose(rounds(ONE_THREAD, [15, 15, 15]), rounds(TWO_THREADS, [16, 17, 16]), scaled);

  it('is one in which threads gain nothing although workers do', () => {
    expect(doubtful.latency).toBe(ONE_THREAD);
    expect(isDoubtful(doubtful)).toBe(true);
  });

  it.each([
    ['threads gain', choose(rounds(ONE_THREAD, [15, 15, 15]), rounds(TWO_THREADS, [9, 9, 9]), scaled)],
    [
      'workers gain nothing either',
      choose(
        rounds(ONE_THREAD, [15, 15, 15]),
        rounds(TWO_THREADS, [16, 16, 16]),
        rounds(TWO_WORKERS, [40, 40, 40], [80, 80, 80]),
      ),
    ],
    ['threads were not measured', choose(rounds(ONE_THREAD, [15, 15, 15]), scaled)],
    ['nothing was measured', choose()],
  ])('is not one in which %s', (_name, choice) => {
    expect(isDoubtful(choice)).toBe(false);
  });

  it('is not used until it was repeated three times in a row', () => {
    expect([0, 1, 2, 3, 4].map(isBelieved)).toEqual([true, false, false, true, true]);
    const first = settleDoubts(doubtful, TWO_CORES, 1);
    expect(first).toMatchObject({ latency: TWO_THREADS, throughput: TWO_WORKERS, isMeasured: true });
    expect(first.why).toContain('1 worker x 2 threads, queue depth 1 runs for now');
    expect(first.why).toContain('(1 of 3)');
    expect(settleDoubts(doubtful, TWO_CORES, 3)).toBe(doubtful);
    expect(settleDoubts(doubtful, TWO_CORES, 0)).toBe(doubtful);
  });
});
