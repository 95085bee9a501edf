import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../src/device/telemetry/outbox/entry.ts';
import { FakeDisk } from './fake-disk.ts';
import { LedgerHarness } from './ledger-harness.ts';

const PLAIN = [
  ...(['flush', 'publish', 'acknowledge', 'relink', 'trim'] as const),
  // The power is cut, and the next boot can, or for now cannot, use the disk.
  ...(['cut', 'blind', 'mount', 'close', 'full', 'free'] as const),
];

type Step =
  | { readonly what: 'put'; readonly stream: 'state' | 'event' | 'metrics' }
  | { readonly what: (typeof PLAIN)[number] }
  | { readonly what: 'corrupt'; readonly index: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('state' as const, 'event' as const, 'metrics' as const)
      .map((stream) => ({ what: 'put' as const, stream })),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom(...PLAIN).map((what) => ({ what })),
  },
  { weight: 1, arbitrary: fc.constantFrom('blind' as const, 'mount' as const).map((what) => ({ what })) },
  { weight: 1, arbitrary: fc.nat(50).map((index) => ({ what: 'corrupt' as const, index })) },
);

/** Runs the steps, then a last boot in which everything arrives. */
async function run(steps: readonly Step[], disk = new FakeDisk()): Promise<LedgerHarness> {
  const robot = new LedgerHarness(disk);
  await robot.boot();
  let sent: Entry[] = [];
  for (const one of steps) {
    if (one.what === 'put') robot.put(one.stream);
    else if (one.what === 'flush') await robot.flush();
    else if (one.what === 'publish') {
      const entry = await robot.publish();
      if (entry !== null) sent.push(entry);
    } else if (one.what === 'acknowledge') for (const entry of sent.splice(0, 1)) robot.acknowledge(entry);
    else if (one.what === 'relink') robot.relink();
    else if (one.what === 'mount') await robot.mount();
    else if (one.what === 'full') disk.isFull = true;
    else if (one.what === 'free') disk.isFull = false;
    // bounds of about one message
    else if (one.what === 'trim') await robot.outbox.trim(1e-6);
    else if (one.what === 'corrupt') {
      const keys = [...disk.records.keys()].filter((key) => key.startsWith('e!'));
      const key = keys[one.index % Math.max(1, keys.length)];
      if (key !== undefined) disk.records.set(key, disk.records.get(key)!.slice(0, -2));
    } else {
      if (one.what === 'close') await robot.outbox.close().catch(() => undefined);
      disk.powerCut();
      disk.isFull = false;
      sent = [];
      await robot.boot(one.what === 'blind');
    }
  }
  expect(robot.unbalanced()).toEqual([]);
  disk.powerCut();
  disk.isFull = false;
  await robot.boot();
  await robot.drain();
  return robot;
}

describe('an outbox on a disk', () => {
  it('leaves no number undeclared, whatever happens to process, disk, link and records', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const robot = await run(steps);
        expect(robot.holes()).toEqual([]);
        expect(robot.contradictions).toEqual([]);
        expect(robot.unbalanced()).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('refuses and declares events beyond the bound, and keeps those before them', async () => {
    const robot = new LedgerHarness(new FakeDisk());
    await robot.boot();
    await robot.outbox.trim(1e-6);
    for (let i = 0; i < 5; i += 1) robot.put('event');
    const { event } = robot.outbox.outbox.counts();
    expect(event).toMatchObject({ produced: 5, waiting: 1, declared: { overflow: 4 } });
    expect([...robot.outbox.outbox.queue('event').all()].map(({ last }) => last)).toEqual([0]);
    await robot.drain();
    expect(robot.holes()).toEqual([]);
  });

  it('takes up earlier boots and moves what waits where the disk is found late', async () => {
    const robot = new LedgerHarness(new FakeDisk());
    await robot.boot();
    robot.put('metrics');
    await robot.flush();
    await robot.boot(true);
    for (let i = 0; i < 3; i += 1) robot.put('metrics');
    await robot.flush();
    const [sent] = [await robot.publish()];
    await robot.mount();
    expect(robot.outbox.isInMemory).toBe(false);
    expect(robot.outbox.outbox.boot.bootCount).toBe(1);
    robot.acknowledge(sent!);
    robot.put('metrics');
    await robot.flush();
    robot.disk.powerCut();
    await robot.boot();
    expect(robot.outbox.outbox.queue('metrics').size).toBe(4);
    await robot.drain();
    expect([robot.holes(), robot.contradictions]).toEqual([[], []]);
  });

  it('would be found to lose numbers if the disk did not sync', async () => {
    const disk = new FakeDisk();
    disk.syncs = false;
    const steps: Step[] = [
      { what: 'put', stream: 'metrics' },
      { what: 'flush' },
      { what: 'put', stream: 'metrics' },
      { what: 'flush' },
      { what: 'cut' },
    ];
    expect((await run(steps, disk)).holes()).toEqual([expect.stringMatching(/ metrics 0-1$/)]);
  });
});
