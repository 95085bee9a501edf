import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { liveEventSchema, type LiveEvent } from '../../../src/contract/fleet/live.ts';
import type { RobotChange } from '../../../src/fleet/live/changes.ts';
import { LiveFeed, type LiveResponse } from '../../../src/fleet/live/live-feed.ts';
import { FakeClock } from '../../device/pipeline/fakes.ts';

/**
 * A client that keeps what it is sent, unread if it is slow. As of a real response, `close` comes some time after `end`
 * or `destroy`, and a write after `end` is an error that ends the process if nobody listens.
 */
class FakeClient extends EventEmitter {
  text = '';
  writableLength = 0;
  writableEnded = false;
  destroyed = false;
  isSlow = false;
  lateWrites = 0;

  writeHead(): this {
    return this;
  }
  write(text: string): boolean {
    if (this.writableEnded || this.destroyed) return this.#refuse();
    this.text += text;
    if (this.isSlow) this.writableLength += text.length;
    return true;
  }
  end(): this {
    this.writableEnded = true;
    return this.#close();
  }
  destroy(): this {
    this.destroyed = true;
    return this.#close();
  }
  #close(): this {
    setImmediate(() => {
      this.destroyed = true;
      this.emit('close');
    });
    return this;
  }
  #refuse(): false {
    this.lateWrites += 1;
    if (!this.destroyed) process.nextTick(() => this.emit('error', new Error('write after end')));
    return false;
  }

  get events(): LiveEvent[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) =>
      liveEventSchema.parse(JSON.parse(data)),
    );
  }
  get lastId(): string {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
  }
}

class Bench {
  readonly clock = new FakeClock();
  changes: RobotChange[] = [];
  looks = 0;
  cut = 0;
  isAllowed = true;
  readonly feed = new LiveFeed({
    changedSince: () => {
      this.looks += 1;
      return Promise.resolve(this.changes);
    },
    onCut: () => (this.cut += 1),
    clock: this.clock,
  });

  open(key = 'a', lastId?: string, client = new FakeClient()): FakeClient | null {
    const stream = this.feed.open(key, lastId, () => Promise.resolve(this.isAllowed));
    if (stream === null) return null;
    stream.stream(client as unknown as LiveResponse as never);
    return client;
  }

  change(robot: string): void {
    this.changes = [
      ...this.changes.filter((one) => one.robot !== robot),
      { site: 'yard', robot, atMs: this.clock.wall },
    ];
  }

  async seconds(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      this.clock.advance(1_000);
      // what the feed waits for is resolved already, and so is done before responses close
      await turn();
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const named = (...robots: string[]): LiveEvent => ({
  robots: robots.map((robot) => ({ site: 'yard', robot })),
  isAll: false,
});

it('tells once a second what changed, and nothing twice', async () => {
  const bench = new Bench();
  bench.change('r0');
  const client = bench.open()!;
  await bench.seconds(1);
  expect(client.events).toEqual([]);
  bench.change('r1');
  bench.change('r2');
  await bench.seconds(3);
  bench.change('r1');
  await bench.seconds(1);
  expect(client.events).toEqual([named('r1', 'r2'), named('r1')]);
});

it('names a robot once, however many sources say that it changed', async () => {
  const bench = new Bench();
  const client = bench.open()!;
  await bench.seconds(1);
  const robot = { site: 'yard', robot: 'r1' };
  bench.changes = [
    { ...robot, atMs: bench.clock.wall },
    { ...robot, atMs: bench.clock.wall + 5 },
  ];
  await bench.seconds(2);
  expect(client.events).toEqual([named('r1')]);
});

it('looks at nothing while nobody listens', async () => {
  const bench = new Bench();
  await bench.seconds(5);
  expect(bench.looks).toBe(0);
  bench.open()!.destroy();
  await turn();
  const { looks } = bench;
  await bench.seconds(5);
  expect([bench.looks - looks, bench.feed.clients, bench.clock.pendingTimers]).toEqual([0, 0, 0]);
});

it('sends a client that returns what it missed, and tells one that was away for too long to read all', async () => {
  const bench = new Bench();
  const [stays, leaves] = [bench.open()!, bench.open()!];
  await bench.seconds(1);
  bench.change('r1');
  await bench.seconds(1);
  leaves.destroy();
  await turn();
  for (const robot of ['r2', 'r3']) {
    bench.change(robot);
    await bench.seconds(1);
  }
  expect(bench.open('a', leaves.lastId)!.events).toEqual([named('r2'), named('r3')]);
  expect(bench.open('a', stays.lastId)!.events).toEqual([]);
  for (const id of ['other-1', leaves.lastId.replace(/\d+$/, '99'), 'x'])
    expect(bench.open('a', id)!.events).toEqual([{ robots: [], isAll: true }]);
});

it('names no more robots than a client can take', async () => {
  const bench = new Bench();
  const client = bench.open()!;
  await bench.seconds(1);
  for (let i = 0; i < 501; i += 1) bench.change(`r${i}`);
  await bench.seconds(1);
  expect(client.events).toEqual([{ robots: [], isAll: true }]);
});

it('cuts off a client that does not read, and counts it; the others go on', async () => {
  const bench = new Bench();
  const [slow, quick] = [bench.open()!, bench.open()!];
  slow.isSlow = true;
  for (let i = 0; i < 20; i += 1) {
    for (let robot = 0; robot < 400; robot += 1) bench.change(`r${robot}`);
    await bench.seconds(1);
  }
  expect([slow.destroyed, quick.destroyed, bench.cut, bench.feed.clients]).toEqual([true, false, 1, 1]);
  expect(slow.text.length).toBeLessThan(100_000);
});

it('cuts off a client once, also if it has two things to tell before the client has closed', async () => {
  const bench = new Bench();
  // one of these seconds has a heartbeat as well
  for (let second = 1; second <= 16; second += 1) {
    bench.open()!.writableLength = 1 << 20;
    bench.change(`r${second}`);
    await bench.seconds(1);
    await turn();
  }
  bench.change('last');
  await bench.seconds(2);
  expect(bench.cut).toBe(16);
});

it('keeps connections alive, and ends those whose token is over, without another word', async () => {
  const bench = new Bench();
  const client = bench.open()!;
  await bench.seconds(16);
  expect(client.text).toMatch(/^:$/m);
  bench.isAllowed = false;
  for (let second = 0; second < 16 && !client.writableEnded; second += 1) await bench.seconds(1);
  // before it has closed
  expect([client.writableEnded, client.destroyed, bench.feed.clients]).toEqual([true, false, 0]);
  await bench.seconds(2);
  expect([client.destroyed, client.lateWrites, bench.clock.pendingTimers]).toEqual([true, 0, 0]);
});

it('writes nothing to a response that somebody else ended', async () => {
  const bench = new Bench();
  const client = bench.open()!;
  await bench.seconds(1);
  bench.change('r1');
  client.end();
  bench.clock.advance(1_000);
  await turn();
  expect(client.lateWrites).toBe(0);
});

it('drops a client whose connection fails; the others go on', async () => {
  const bench = new Bench();
  const [broken, good] = [bench.open()!, bench.open()!];
  broken.emit('error', new Error('EPIPE'));
  await bench.seconds(1);
  bench.change('r1');
  await bench.seconds(1);
  expect([bench.feed.clients, good.events]).toEqual([1, [named('r1')]]);
});

it('keeps no place for a client that left before its stream began', () => {
  const bench = new Bench();
  for (let i = 0; i < 20; i += 1) {
    const gone = new FakeClient();
    gone.destroyed = true;
    expect(bench.open('a', undefined, gone)).not.toBeNull();
  }
  expect([bench.feed.clients, bench.clock.pendingTimers]).toEqual([0, 0]);
});

it('has ten places for one client, and 200 in all', () => {
  const bench = new Bench();
  for (let i = 0; i < 10; i += 1) expect(bench.open('a')).not.toBeNull();
  expect(bench.open('a')).toBeNull();
  for (let i = 0; i < 190; i += 1) expect(bench.open(`b${i}`)).not.toBeNull();
  expect(bench.open('c')).toBeNull();
  bench.feed.close();
  expect(bench.feed.clients).toBe(0);
});
