import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LoadWatch, type LoadAdvice, type SettingRole } from '../../../src/core/sizing/load-watch.ts';

const TICK_MS = 250;

/** A simulated engine with two settings of given rates, which follows the watch's advice. */
class Plant {
  readonly watch: LoadWatch;
  readonly moves: { readonly at: number; readonly to: SettingRole; readonly why: string }[] = [];
  readonly advice: LoadAdvice[] = [];
  role: SettingRole = 'latency';
  now = 0;
  /** true if a move to the throughput setting fails */
  fails = false;
  readonly #rates: Record<SettingRole, number>;
  #received = 0;
  #published = 0;
  #superseded = 0;

  constructor(latency: number, throughput: number, isMeasured = true) {
    this.watch = new LoadWatch(isMeasured);
    this.#rates = { latency, throughput };
  }

  run(seconds: number, offered: (second: number) => number): this {
    const end = this.now + seconds * 1000;
    while (this.now < end) {
      this.now += TICK_MS;
      const share = TICK_MS / 1000;
      const came = offered(this.now / 1000) * share;
      const done = Math.min(came, this.#rates[this.role] * share);
      this.#received += came;
      this.#published += done;
      this.#superseded += came - done;
      const advice = this.watch.sample(this.now, {
        received: Math.floor(this.#received),
        published: Math.floor(this.#published),
        superseded: Math.floor(this.#superseded),
      });
      this.advice.push(advice);
      if (advice === 'throughput' && this.fails) this.watch.failed(this.now);
      else if (advice === 'latency' || advice === 'throughput') this.#move(advice);
    }
    return this;
  }

  #move(to: SettingRole): void {
    this.role = to;
    this.moves.push({ at: this.now / 1000, to, why: this.watch.why });
    this.watch.moved(this.now, to);
  }
}

describe('LoadWatch', () => {
  it('stays while the engine keeps up', () => {
    expect(new Plant(46, 68).run(600, () => 30).moves).toEqual([]);
  });

  it('prepares after a second of superseded frames and moves after two', () => {
    const plant = new Plant(46, 68).run(10, () => 30).run(4, () => 60);
    expect(plant.moves.map(({ to }) => to)).toEqual(['throughput']);
    expect(plant.moves[0]?.at).toBeGreaterThanOrEqual(11.9);
    expect(plant.moves[0]?.at).toBeLessThanOrEqual(12.5);
    expect(plant.moves[0]?.why).toMatch(/^frames were superseded for 2\.\d s at \d\d\.\d frames per second$/);
    const firstOf = (advice: LoadAdvice): number => plant.advice.indexOf(advice) * (TICK_MS / 1000);
    expect(firstOf('throughput') - firstOf('prepare')).toBeCloseTo(1, 1);
  });

  it('moves if only a few frames per second are too many', () => {
    expect(new Plant(46, 68).run(10, () => 49).moves.map(({ to }) => to)).toEqual(['throughput']);
  });

  it.each([
    ['a hiccup of a second', (at: number) => (at > 10 && at <= 11 ? 90 : 30)],
    ['a hiccup of half a second every five', (at: number) => (at % 5 < 0.5 ? 80 : 30)],
    ['one frame in a hundred', () => 46.4],
  ])('is not moved by %s', (_name, offered) => {
    expect(new Plant(46, 68).run(60, offered).moves).toEqual([]);
  });

  it('releases the prepared setting once the pressure has passed', () => {
    const plant = new Plant(46, 68).run(40, (at) => (at > 5 && at <= 6.5 ? 90 : 30));
    expect(plant.advice.filter((advice) => advice !== 'stay' && advice !== 'prepare')).toEqual(['release']);
  });

  it('moves back after ten seconds at less than 70 % of the rate that the latency setting sustained', () => {
    const plant = new Plant(46, 68).run(10, () => 60).run(30, () => 30);
    expect(plant.moves.map(({ to }) => to)).toEqual(['throughput', 'latency']);
    expect(plant.moves[1]?.at).toBeGreaterThan(20);
    expect(plant.moves[1]?.at).toBeLessThan(23);
    expect(plant.moves[1]?.why).toMatch(
      /^30\.0 frames per second arrived for 1\d s, and .* sustained 46\.0$/,
    );
    expect(new Plant(46, 68).run(10, () => 60).run(600, () => 40).moves).toHaveLength(1);
  });

  it('moves back when the cameras fall silent', () => {
    expect(new Plant(46, 68).run(10, () => 60).run(20, () => 0).role).toBe('latency');
  });

  it('moves back if the other setting is slower, and waits longer before each new attempt', () => {
    const plant = new Plant(46, 40).run(1200, () => 60);
    const tries = plant.moves.filter(({ to }) => to === 'throughput').map(({ at }) => at);
    expect(plant.moves[1]).toMatchObject({ to: 'latency' });
    expect(plant.moves[1]?.why).toMatch(/no more than the 46\.0 before$/);
    expect(tries.length).toBeLessThanOrEqual(6);
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  });

  it('keeps an unmeasured setting only if it proves faster', () => {
    expect(new Plant(46, 46, true).run(60, () => 60).role).toBe('throughput');
    expect(new Plant(46, 46, false).run(60, () => 60).moves.map(({ to }) => to)).toEqual([
      'throughput',
      'latency',
    ]);
    expect(new Plant(46, 68, false).run(60, () => 60).role).toBe('throughput');
  });

  it('waits longer after each move back that was too early', () => {
    const plant = new Plant(46, 68).run(10, () => 60);
    let tries = 0;
    for (let tick = 0; tick < 4 * 100; tick += 1) {
      plant.now += TICK_MS;
      const silent = { received: 600, published: 500, superseded: 100 };
      if (plant.watch.sample(plant.now, silent) !== 'latency') continue;
      tries += 1;
      plant.watch.failed(plant.now);
    }
    expect(tries).toBe(2);
  });

  it('does not retry a setting that fails to start for a minute, then for two', () => {
    const plant = new Plant(46, 68);
    plant.fails = true;
    plant.run(400, () => 60);
    const tries = plant.advice.flatMap((advice, tick) =>
      advice === 'throughput' ? [(tick * TICK_MS) / 1000] : [],
    );
    expect(tries).toHaveLength(3);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBeGreaterThanOrEqual(60);
    expect((tries[2] ?? 0) - (tries[1] ?? 0)).toBeGreaterThanOrEqual(120);
    plant.fails = false;
    expect(plant.run(600, () => 60).role).toBe('throughput');
  });

  it('never flaps, whatever the load', () => {
    const period = fc.double({ min: 1, max: 120, noNaN: true });
    const rate = fc.integer({ min: 0, max: 200 });
    fc.assert(
      fc.property(period, rate, rate, (seconds, one, other) => {
        const { moves } = new Plant(46, 68).run(3600, (at) => (at % (2 * seconds) < seconds ? one : other));
        // Moving back takes ten seconds of low load, or five of proof that the other setting is no better.
        expect(moves.length).toBeLessThanOrEqual(2 * (3600 / 75) + 4);
        const backs = moves.filter(({ to }) => to === 'latency').map(({ at }) => at);
        for (const [index, at] of backs.entries()) {
          const up = moves.filter((move) => move.to === 'throughput' && move.at < at).at(-1);
          expect(at - (up?.at ?? 0), `back ${index}`).toBeGreaterThanOrEqual(5);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('moves less and less often under a load that comes and goes every quarter of a minute', () => {
    const { moves } = new Plant(46, 68).run(3600, (at) => (at % 30 < 15 ? 60 : 20));
    expect(moves.length).toBeLessThanOrEqual(6);
  });
});
