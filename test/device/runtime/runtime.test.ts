import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GoshawkError } from '../../../src/contract/errors.ts';
import type { OutOfRange } from '../../../src/device/runtime/out-of-range.ts';
import type { DeviceView, Part } from '../../../src/device/runtime/part.ts';
import { Runtime, type RuntimeOptions } from '../../../src/device/runtime/runtime.ts';
import { sessionOf } from './fake-session.ts';

const NEVER = new AbortController().signal;

function refusal(name: string): GoshawkError {
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value: 'x', reason: 'it is a test' });
}

/** A runtime of these parts, and a list of its events. */
function runtimeOf(parts: readonly Part[], whenRefused: RuntimeOptions['whenRefused'] = 'leave-out') {
  const lines: string[] = [];
  const runtime = new Runtime(
    {
      node: 'test',
      silentAfterMs: () => 5000,
      log: (level, line) => lines.push(`${level} ${line}`),
      whenRefused,
    },
    () => parts,
  );
  return { runtime, lines };
}

/** A part that records its calls and fails on demand. */
function recorder(name: string, events: string[], fails: { start?: Error; stop?: Error } = {}): Part {
  return {
    name,
    start: () => {
      if (fails.start !== undefined) throw fails.start;
      events.push(`+${name}`);
    },
    stop: () => {
      events.push(`-${name}`);
      if (fails.stop !== undefined) throw fails.stop;
    },
    attach: () => {
      events.push(`attach ${name}`);
      return { sink: { name, deliver: () => void events.push(`frame ${name}`) } };
    },
    detach: () => void events.push(`detach ${name}`),
  };
}

describe('Runtime', () => {
  it('starts parts in order and stops them in reverse, even if stopping is slow', async () => {
    const events: string[] = [];
    const slow: Part = {
      ...recorder('slow', events),
      stop: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push('-slow');
      },
    };
    const { runtime } = runtimeOf([recorder('a', events), slow, recorder('c', events)]);
    await runtime.start(NEVER);
    await runtime.stop();
    await runtime.stop();
    expect(events).toEqual(['+a', '+slow', '+c', '-c', '-slow', '-a']);
  });

  it('leaves out a part that is refused, reports its code, and hands it no session', async () => {
    const events: string[] = [];
    const parts = [
      recorder('a', events),
      recorder('b', events, { start: refusal('b') }),
      recorder('c', events),
    ];
    const { runtime, lines } = runtimeOf(parts);
    await runtime.start(NEVER);
    runtime.attach(sessionOf());
    runtime.detach();
    await runtime.stop();
    expect(events).toEqual(['+a', '+c', 'attach a', 'attach c', 'detach c', 'detach a', '-c', '-a']);
    expect(lines).toEqual([expect.stringMatching(/^error GOSHAWK_PARAMETER_INVALID: .*b/)]);
    expect(runtime.complaints()).toEqual([expect.stringMatching(/^GOSHAWK_PARAMETER_INVALID: .*b/)]);
  });

  it('stops what has started and rejects if refusals are fatal', async () => {
    const events: string[] = [];
    const parts = [
      recorder('a', events),
      recorder('b', events),
      recorder('c', events, { start: refusal('c') }),
    ];
    await expect(runtimeOf(parts, 'reject').runtime.start(NEVER)).rejects.toMatchObject({
      code: 'GOSHAWK_PARAMETER_INVALID',
    });
    expect(events).toEqual(['+a', '+b', '-b', '-a']);
  });

  it('rejects a fault without a code in either case: it is a bug, not a setting', async () => {
    const events: string[] = [];
    const { runtime } = runtimeOf([
      recorder('a', events),
      recorder('b', events, { start: new Error('bug') }),
    ]);
    await expect(runtime.start(NEVER)).rejects.toThrow('bug');
    expect(events).toEqual(['+a', '-a']);
  });

  it('starts no more parts once it is aborted, and stops those that have started', async () => {
    const events: string[] = [];
    const ending = new AbortController();
    const waits: Part = {
      name: 'waits',
      start: (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('given up')));
          ending.abort();
        }),
      stop: () => void events.push('-waits'),
    };
    const { runtime, lines } = runtimeOf([recorder('a', events), waits, recorder('c', events)], 'reject');
    await runtime.start(ending.signal);
    await runtime.stop();
    expect(events).toEqual(['+a', '-a']);
    expect(lines).toEqual([]);
  });

  it('stops the others if one cannot be stopped, and reports that', async () => {
    const events: string[] = [];
    const parts = [
      recorder('a', events),
      recorder('b', events, { stop: new Error('stuck') }),
      recorder('c', events),
    ];
    const { runtime, lines } = runtimeOf(parts);
    await runtime.start(NEVER);
    await runtime.stop();
    expect(events).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
    expect(lines).toEqual(['error b did not stop: stuck']);
  });

  it('starts and stops any parts in nested order, whichever of them fail', async () => {
    const behavior = fc.constantFrom('well', 'refused', 'stuck');
    await fc.assert(
      fc.asyncProperty(fc.array(behavior, { maxLength: 8 }), fc.nat(9), async (behaviors, endAt) => {
        const events: string[] = [];
        const ending = new AbortController();
        const parts = behaviors.map((how, index): Part => {
          const fails = {
            ...(how === 'refused' ? { start: refusal(String(index)) } : {}),
            ...(how === 'stuck' ? { stop: new Error('stuck') } : {}),
          };
          const part = recorder(String(index), events, fails);
          if (index === endAt) ending.abort();
          return part;
        });
        const { runtime } = runtimeOf(parts);
        await runtime.start(ending.signal);
        await runtime.stop();
        const started = events.filter((event) => event.startsWith('+')).map((event) => event.slice(1));
        const expected = ending.signal.aborted
          ? []
          : behaviors.flatMap((how, index) => (how === 'refused' ? [] : [String(index)]));
        expect(started).toEqual(expected);
        expect(events).toEqual([
          ...started.map((name) => `+${name}`),
          ...started.toReversed().map((name) => `-${name}`),
        ]);
      }),
    );
  });
});

describe('sessions of a runtime', () => {
  it('may exist before the parts start: each sees it then, and gets no frame before its start', async () => {
    const events: string[] = [];
    const session = sessionOf();
    const parts = [recorder('a', events), recorder('b', events, { start: refusal('b') })];
    const { runtime } = runtimeOf(parts);
    runtime.attach(session);
    await runtime.start(NEVER);
    expect(events).toEqual(['attach a', '+a', 'attach b']);
    expect(session.sinks.map(({ name }) => name)).toEqual(['a']);
    await runtime.stop();
  });

  it('are shown from the end of attach to the end of detach, and to the parts that stop', async () => {
    const seen: string[] = [];
    const look = (what: string) => void seen.push(`${what} ${runtime.snapshot() === null ? 'none' : 'one'}`);
    const part: Part = {
      name: 'a',
      attach: () => {
        look('attach');
        return {};
      },
      detach: () => look('detach'),
      stop: () => look('stop'),
    };
    const { runtime } = runtimeOf([part]);
    await runtime.start(NEVER);
    expect([runtime.status(), runtime.health().reasons]).toEqual([null, ['no model is loaded']]);
    runtime.attach(sessionOf());
    runtime.detach();
    runtime.detach();
    runtime.attach(sessionOf());
    await runtime.stop();
    expect(seen).toEqual(['attach none', 'detach one', 'attach none', 'stop one']);
    expect(runtime.snapshot()).toBeNull();
  });

  it('reach every part even if one throws on attach and on detach', async () => {
    const events: string[] = [];
    const broken: Part = {
      name: 'broken',
      attach: () => {
        throw new Error('no view');
      },
      detach: () => {
        throw new Error('no end');
      },
    };
    const { runtime, lines } = runtimeOf([broken, recorder('b', events)]);
    await runtime.start(NEVER);
    runtime.attach(sessionOf());
    runtime.detach();
    expect(events).toEqual(['+b', 'attach b', 'detach b']);
    expect(lines).toEqual(['error broken: no view', 'error broken: no end']);
  });
});

describe('what parts offer', () => {
  const CLAMPED: OutOfRange = {
    quantity: 'ratio',
    value: 2,
    what: 'the load of the GPU',
    fields: ['host.gpuRatio'],
    reason: 'clamped',
  };

  it('is one page of metrics: those of a session only while it exists, in the order of the parts', async () => {
    const text = (line: string) => ({ text: () => Promise.resolve(`${line}\n`) });
    const { runtime } = runtimeOf([
      { name: 'a', attach: () => ({ metrics: text('session 1') }) },
      { name: 'b', metrics: text('always 2') },
      { name: 'silent' },
    ]);
    await runtime.start(NEVER);
    expect(await runtime.metrics()).toBe('always 2\n');
    runtime.attach(sessionOf());
    expect(await runtime.metrics()).toBe('session 1\nalways 2\n');
    runtime.detach();
    expect(await runtime.metrics()).toBe('always 2\n');
  });

  it('is merged into status, health and complaints', async () => {
    const { runtime } = runtimeOf([
      { name: 'a', status: () => ({ disk: { free: 7 } }), health: () => ['the disk is full'] },
      { name: 'b', status: () => ({ weather: null }), health: () => [], host: () => ({ gpuRatio: 0.5 }) },
    ]);
    await runtime.start(NEVER);
    runtime.attach(sessionOf());
    expect(runtime.status()).toMatchObject({
      state: 'idle',
      telemetry: null,
      disk: { free: 7 },
      weather: null,
    });
    expect(runtime.health().reasons).toContain('the disk is full');
    expect(runtime.complaints()).toEqual(['the disk is full']);
    expect(runtime.host({})).toEqual({ gpuRatio: 0.5 });
    expect(runtime.images.cameras()).toEqual([]);
  });

  it('omits a part that throws, which is logged once', async () => {
    const broken = (): never => {
      throw new Error('broken');
    };
    const { runtime, lines } = runtimeOf([
      { name: 'a', status: broken },
      { name: 'b', status: () => ({ b: 1 }) },
    ]);
    await runtime.start(NEVER);
    expect([runtime.partStatus(), runtime.partStatus()]).toEqual([{ b: 1 }, { b: 1 }]);
    expect(lines).toEqual(['error a: broken']);
  });

  it('is seen by other parts through the device', async () => {
    let device: DeviceView | undefined;
    const { runtime } = (() => {
      const lines: string[] = [];
      const options: RuntimeOptions = {
        node: 'test',
        silentAfterMs: () => 5000,
        log: (_level, line) => lines.push(line),
        whenRefused: 'reject',
      };
      return {
        runtime: new Runtime(options, (context) => {
          device = context.device;
          return [
            {
              name: 'a',
              host: (_reader, note) => {
                note?.(CLAMPED);
                return { gpuRatio: 1 };
              },
            },
          ];
        }),
      };
    })();
    await runtime.start(NEVER);
    const found: OutOfRange[] = [];
    expect(device?.host({}, (one) => found.push(one))).toEqual({ gpuRatio: 1 });
    expect(found).toEqual([CLAMPED]);
  });

  it('carries telemetry of all started parts, sent through the one that has the connection', async () => {
    const sent: string[] = [];
    const state = (): never => {
      throw new Error('asked for by telemetry alone');
    };
    const { runtime } = runtimeOf([
      { name: 'a', streams: { state } },
      { ...recorder('refused', [], { start: refusal('refused') }), streams: { state } },
      { name: 'telemetry', send: (stream) => void sent.push(stream) },
    ]);
    runtime.send('state', state);
    await runtime.start(NEVER);
    expect(runtime.streams()).toEqual([{ state }]);
    runtime.send('state', state);
    expect(sent).toEqual(['state']);
  });
});
