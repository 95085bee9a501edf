import { describe, expect, it } from 'vitest';
import { Delivery, PUBLISHER } from '../../../src/device/pipeline/delivery.ts';
import type { ResultSink } from '../../../src/device/pipeline/frame/frame-result.ts';
import { FakeClock, rawImage, turns } from './fakes.ts';
import { makeJob } from './fake-jobs.ts';

/** A sink that settles when the test decides. */
class Patient implements ResultSink {
  readonly name: string;
  readonly open: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(name: string) {
    this.name = name;
  }

  deliver(): Promise<void> {
    return new Promise((resolve, reject) => this.open.push({ resolve, reject }));
  }
}

function deliveryTo(...sinks: ResultSink[]): { clock: FakeClock; failures: string[]; delivery: Delivery } {
  const clock = new FakeClock();
  const failures: string[] = [];
  const onFailure = (sink: string, reason: string): void => void failures.push(`${sink}: ${reason}`);
  const delivery = new Delivery({ clock, timeoutMs: 100, onFailure });
  for (const sink of sinks) delivery.add(sink);
  return { clock, failures, delivery };
}

const job = makeJob();

describe('Delivery to the publisher', () => {
  it('succeeds if there is none', () => {
    expect(deliveryTo().delivery.publish(job, null)).toBe(true);
  });

  it('returns immediately if the sink answers immediately', () => {
    const seen: unknown[] = [];
    const pixels = rawImage('rgb8', 2, 2);
    const sink: ResultSink = { name: PUBLISHER, deliver: (...args) => void seen.push(args) };
    expect(deliveryTo(sink).delivery.publish(job, pixels)).toBe(true);
    expect(seen).toEqual([[job, pixels, null]]);
    const broken: ResultSink = {
      name: PUBLISHER,
      deliver: () => {
        throw new Error('gone');
      },
    };
    const { delivery, failures } = deliveryTo(broken);
    expect(delivery.publish(job, null)).toBe(false);
    expect(failures).toEqual(['publisher: gone']);
  });

  it('waits for a promise until the time limit', async () => {
    const sink = new Patient(PUBLISHER);
    const { clock, delivery, failures } = deliveryTo(sink);
    const outcomes = Array.from({ length: 3 }, async () => delivery.publish(job, null));
    sink.open[0]!.resolve();
    sink.open[1]!.reject(new Error('refused'));
    await turns();
    clock.advance(100);
    expect(await Promise.all(outcomes)).toEqual([true, false, false]);
    expect(failures).toEqual(['publisher: refused', 'publisher: no answer within 100 ms']);
    expect(delivery.counts()).toEqual({ publisher: { delivered: 1, failed: 2, skipped: 0 } });
  });

  it('is not repeated for the others', () => {
    let calls = 0;
    const { delivery } = deliveryTo({ name: PUBLISHER, deliver: () => void calls++ });
    expect(delivery.share(job, null)).toBeNull();
    expect(calls).toBe(0);
  });
});

describe('Delivery to others', () => {
  it('skips a hanging sink before deliveries pile up, until it is done with one', async () => {
    const sink = new Patient('slow');
    const { clock, delivery } = deliveryTo(sink);
    for (let i = 0; i < 10; i++) void delivery.share(job, null);
    clock.advance(1000);
    await turns();
    for (let i = 0; i < 10; i++) void delivery.share(job, null);
    expect(sink.open.length).toBe(4);
    expect(delivery.counts()).toEqual({ slow: { delivered: 0, failed: 4, skipped: 16 } });
    for (const { resolve } of sink.open) resolve();
    await turns();
    void delivery.share(job, null);
    expect(sink.open.length).toBe(5);
  });

  it('resolves when the last sink is done, whatever the outcome, and not at the time limit', async () => {
    const [first, second] = [new Patient('first'), new Patient('second')];
    const { clock, delivery } = deliveryTo(first, second, { name: 'quick', deliver: () => undefined });
    let isFree = false;
    void delivery.share(job, null)?.then(() => (isFree = true));
    first.open[0]!.reject(new Error('full'));
    clock.advance(500);
    await turns();
    expect(isFree).toBe(false);
    second.open[0]!.resolve();
    await turns();
    expect(isFree).toBe(true);
  });

  it('does not let a sink that throws affect others', () => {
    const seen: string[] = [];
    const broken: ResultSink = {
      name: 'broken',
      wantsPixels: () => {
        throw new Error('no');
      },
      deliver: () => {
        throw new Error('no');
      },
    };
    const { delivery } = deliveryTo(broken, { name: 'good', deliver: () => void seen.push('good') });
    expect(delivery.share(job, null)).toBeNull();
    expect(seen).toEqual(['good']);
    expect(delivery.wantsPixels('front')).toBe(false);
  });

  it('wants pixels of a camera if one of its sinks does', () => {
    const watcher: ResultSink = {
      name: 'live',
      wantsPixels: (camera) => camera === 'rear',
      deliver: () => undefined,
    };
    const { delivery } = deliveryTo({ name: 'plain', deliver: () => undefined }, watcher);
    expect(delivery.wantsPixels('rear')).toBe(true);
    expect(delivery.wantsPixels('front')).toBe(false);
  });
});
