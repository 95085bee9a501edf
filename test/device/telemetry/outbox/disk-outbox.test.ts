import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DiskOutbox } from '../../../../src/device/telemetry/outbox/disk-outbox.ts';
import type { Entry } from '../../../../src/device/telemetry/outbox/entry.ts';
import type { OutboxBounds } from '../../../../src/device/telemetry/outbox/stream-queue.ts';
import { FakeDisk } from './fake-disk.ts';
import { LedgerHarness } from './ledger-harness.ts';

/** Room for about one message. */
const TINY: OutboxBounds = { share: 1e-6, of: 'all' };

const PLAIN = [
  ...(['flush', 'publish', 'acknowledge', 'relink', 'trim', 'trim-unwritten'] as const),
  // The power is cut, and the next boot can, or for now cannot, use the disk, or finds it full.
  ...(['cut', 'blind', 'stuffed', 'mount', 'close', 'full', 'free'] as const),
  // The power is cut, and nothing of the database can be repaired.
  'wipe' as const,
];

type Step =
  | { readonly what: 'put'; readonly stream: 'state' | 'event' | 'metrics' }
  | { readonly what: (typeof PLAIN)[number] }
  | { readonly what: 'corrupt'; readonly of: 'e!' | 'a!'; readonly index: number };

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
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('e!' as const, 'a!' as const), fc.nat(50))
      .map(([of, index]) => ({ what: 'corrupt' as const, of, index })),
  },
);

const ofWhat = (one: Step): string => (one.what === 'corrupt' ? one.of : '');

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
    else if (one.what === 'trim') await robot.outbox.trim(TINY);
    else if (one.what === 'trim-unwritten') await robot.outbox.trim({ ...TINY, of: 'unwritten' });
    else if (one.what === 'corrupt') {
      const keys = [...disk.records.keys()].filter((key) => key.startsWith(one.of));
      const key = keys[one.index % Math.max(1, keys.length)];
      if (key !== undefined) disk.records.set(key, disk.records.get(key)!.slice(0, -2));
    } else {
      if (one.what === 'close') await robot.outbox.close().catch(() => undefined);
      disk.powerCut();
      if (one.what === 'wipe') disk.records.clear();
      disk.isFull = one.what === 'stuffed';
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
        if (!steps.some(({ what }) => what === 'corrupt' || what === 'wipe'))
          expect([...robot.reasons]).not.toContain('corrupted');
      }),
      { numRuns: 400 },
    );
  });

  it.each(['all', 'last'] as const)(
    'leaves no number undeclared where its marks are gone as well after a power cut: %s',
    async (losesMarks) => {
      const known = fc.oneof(
        // Marks and accounts gone at the same time: nobody knows the numbers.
        step.filter(
          (one) => !['full', 'stuffed', 'blind', 'mount', 'wipe'].includes(one.what) && ofWhat(one) !== 'a!',
        ),
        fc.constantFrom({ what: 'flush' as const }, { what: 'cut' as const }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(known, { maxLength: 40 }), async (steps) => {
          const disk = new FakeDisk();
          disk.losesMarks = losesMarks;
          expect((await run(steps, disk)).holes()).toEqual([]);
        }),
        { numRuns: 200 },
      );
    },
  );

  it('writes messages, and loses no number, while its marks cannot be written', async () => {
    const known = fc.oneof(
      fc.constantFrom(
        { what: 'put' as const, stream: 'event' as const },
        { what: 'put' as const, stream: 'metrics' as const },
      ),
      fc
        .constantFrom('flush' as const, 'publish' as const, 'acknowledge' as const, 'cut' as const)
        .map((what) => ({ what })),
    );
    const several = fc.array(known, { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(several, several, async (before, steps) => {
        const disk = new FakeDisk();
        await run(before, disk);
        disk.areMarksBroken = true;
        expect((await run(steps, disk)).holes()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on with the numbers of its boot where it finds them on the disk', async () => {
    const robot = new LedgerHarness(new FakeDisk());
    await robot.boot();
    robot.put('event');
    await robot.flush();
    const { disk } = robot;
    const { bootId } = robot.outbox.outbox.boot;
    const ports = { compose: () => '{}', now: () => 0, onDirty: () => undefined };
    const outbox = await DiskOutbox.openInMemory(ports, bootId);
    for (let i = 0; i < 3; i += 1) outbox.put('event', {});
    await outbox.moveTo(disk.store, disk.markStore);
    outbox.put('event', {});
    await outbox.flush();
    expect([...outbox.outbox.queue('event').all()].map(({ last }) => last)).toEqual([0, 1, 2, 3]);
    expect(outbox.outbox.counts().gap.waiting).toBe(0);
  });

  it('refuses and declares events beyond the bound, and keeps those before them', async () => {
    const robot = new LedgerHarness(new FakeDisk());
    await robot.boot();
    await robot.outbox.trim(TINY);
    for (let i = 0; i < 5; i += 1) robot.put('event');
    const { event } = robot.outbox.outbox.counts();
    expect(event).toMatchObject({ produced: 5, waiting: 1, declared: { overflow: 4 } });
    expect([...robot.outbox.outbox.queue('event').all()].map(({ last }) => last)).toEqual([0]);
    await robot.drain();
    expect(robot.holes()).toEqual([]);
  });

  it('bounds only what is in memory while the disk takes nothing', async () => {
    const robot = new LedgerHarness(new FakeDisk());
    await robot.boot();
    const putBoth = (): void => {
      robot.put('metrics');
      robot.put('event');
    };
    for (let i = 0; i < 5; i += 1) putBoth();
    await robot.flush();
    robot.disk.isFull = true;
    for (let i = 0; i < 3; i += 1) {
      putBoth();
      await robot.flush();
      await robot.outbox.trim({ ...TINY, of: 'unwritten' });
    }
    const { metrics, event } = robot.outbox.outbox.counts();
    expect(metrics).toMatchObject({ waiting: 5, declared: { overflow: 3 } });
    expect(event).toMatchObject({ waiting: 6, declared: { overflow: 2 } });
    const numbers = [...robot.outbox.outbox.queue('metrics').all()].map(({ last }) => last);
    expect(numbers).toEqual([0, 1, 2, 3, 4]);
    robot.disk.isFull = false;
    await robot.flush();
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

  it('has noted that there was a link once it says so, though a write had begun before', async () => {
    const robot = new LedgerHarness(new FakeDisk());
    await robot.boot();
    robot.put('event');
    const release = robot.disk.hold();
    const flushing = robot.flush();
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
    const noting = robot.outbox.noteLinked();
    release();
    await noting;
    expect(robot.disk.records.get('s!linked')).toBe('0');
    await flushing;
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
