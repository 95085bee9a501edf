import { describe, expect, it } from 'vitest';
import { bodySchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import type { StreamBody } from '../../../src/contract/telemetry/streams.ts';
import type { CameraSnapshot, PipelineSnapshot } from '../../../src/device/pipeline/statistics/snapshot.ts';
import { Events } from '../../../src/device/telemetry/events/events-part.ts';
import { sessionOf } from '../runtime/fake-session.ts';

type EventBody = StreamBody<'event'>;

/** A device that a test changes, looked at every second. */
class Device {
  readonly events: EventBody[] = [];
  nowMs = 0;
  outbox: { code: string; reason: string } | null = null;
  #snapshot: PipelineSnapshot = { ...sessionOf().snapshot(), state: 'active', activeMs: 60_000 };
  readonly part = new Events(
    {
      snapshot: () => this.#snapshot,
      silentAfterMs: () => 5_000,
      telemetry: () => ({ connected: true, protocol: '5', reason: '', outbox: this.outbox }),
      send: (_stream, make) => void this.events.push(bodySchemaOf('event').parse(make())),
    },
    () => this.nowMs,
  );

  constructor() {
    this.camera({ lastFrameAgeMs: 30 });
  }

  change(change: Partial<PipelineSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
  }

  camera(change: Partial<CameraSnapshot>): void {
    const front = { ...this.#snapshot.cameras['front']!, ...change };
    this.change({ cameras: { front } });
  }

  look(seconds = 1): string[] {
    const before = this.events.length;
    for (let i = 0; i < seconds; i += 1) {
      this.nowMs += 1_000;
      this.part.look();
    }
    return this.events.slice(before).map(({ kind }) => kind);
  }
}

const framesOf = (received: number, superseded: number): CameraSnapshot['frames'] => ({
  received,
  published: received - superseded,
  inFlight: 0,
  drops: { superseded },
});

describe('events', () => {
  it('say that a camera is silent, since when, after which frame, and that it is back', () => {
    const device = new Device();
    const { sink } = device.part.attach();
    void sink?.deliver({ envelope: { camera: 'front', sequence: 41 } } as never, null);
    expect(device.look(3)).toEqual([]);
    device.camera({ lastFrameAgeMs: 6_000 });
    expect(device.look(3)).toEqual(['camera_silent']);
    expect(device.events[0]).toMatchObject({ severity: 'error', camera: 'front', frames: [41] });
    expect(device.events[0]?.values).toEqual({ silent_seconds: 6 });
    device.camera({ lastFrameAgeMs: 10 });
    expect(device.look(3)).toEqual(['camera_back']);
  });

  it('do not say that a silent camera is back after a pause in which no frame arrived', () => {
    const device = new Device();
    device.camera({ lastFrameAgeMs: 6_000 });
    expect(device.look()).toEqual(['camera_silent']);
    device.change({ state: 'inactive', activeMs: null });
    expect(device.look(2)).toEqual([]);
    device.change({ state: 'active', activeMs: 1_000 });
    device.camera({ lastFrameAgeMs: 10_000 });
    expect(device.look(2)).toEqual([]);
    device.camera({ lastFrameAgeMs: 10 });
    expect(device.look(2)).toEqual(['camera_back']);
  });

  it('say that inference was lost and restarted', () => {
    const device = new Device();
    device.look();
    device.change({ engineLost: 1, lastIncident: 'SIGKILL' });
    expect(device.look(2)).toEqual(['engine_degraded']);
    device.change({ engineRestored: 1 });
    expect(device.look(2)).toEqual(['engine_restarted']);
    expect(device.events[0]?.text).toContain('SIGKILL');
  });

  it('say once that many frames are dropped, why, and that few are', () => {
    const device = new Device();
    device.camera({ lastFrameAgeMs: 1, frames: framesOf(0, 0) });
    device.look();
    device.camera({ frames: framesOf(100, 60) });
    expect(device.look()).toEqual(['frames_dropped']);
    expect(device.events[0]?.values).toEqual({
      share: 0.6,
      received: 100,
      dropped: 60,
      reason: 'superseded',
    });
    device.camera({ frames: framesOf(200, 120) });
    expect(device.look()).toEqual([]);
    device.camera({ frames: framesOf(300, 125) });
    expect(device.look()).toEqual(['frames_pass']);
  });

  it('say that the disk takes no telemetry, and that it does again', () => {
    const device = new Device();
    device.outbox = { code: 'GOSHAWK_OUTBOX_UNWRITABLE', reason: 'no space left' };
    expect(device.look(2)).toEqual(['outbox_trouble']);
    expect(device.events[0]?.text).toBe('GOSHAWK_OUTBOX_UNWRITABLE: no space left');
    device.outbox = null;
    expect(device.look(2)).toEqual(['outbox_back']);
  });

  it('are few of a kind in a minute; the rest is counted, and the last of it sent', () => {
    const device = new Device();
    for (let i = 0; i < 50; i += 1) {
      device.camera({ lastFrameAgeMs: i % 2 === 0 ? 9_000 : 10 });
      device.look();
    }
    expect(device.events).toHaveLength(8);
    expect(new Set(device.look(20))).toEqual(new Set(['camera_silent', 'camera_back']));
    expect(device.events.slice(8).map(({ suppressed }) => suppressed)).toEqual([20, 20]);
    expect(device.look(120)).toEqual([]);
  });

  it('are bounded in length, whatever a message says', () => {
    const device = new Device();
    device.outbox = { code: 'GOSHAWK_OUTBOX_UNWRITABLE', reason: 'x'.repeat(10_000) };
    device.change({ engineLost: 1, lastIncident: '<script>'.repeat(1_000) });
    expect(device.look()).toEqual(['outbox_trouble', 'engine_degraded']);
    for (const { text } of device.events) expect(text.length).toBe(500);
  });
});
