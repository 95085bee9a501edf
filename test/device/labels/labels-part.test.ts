import { describe, expect, it } from 'vitest';
import { driftBodySchema } from '../../../src/contract/telemetry/drift.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { Drift } from '../../../src/device/drift/drift-part.ts';
import { Labels } from '../../../src/device/labels/labels-part.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import { FakeClock } from '../pipeline/fakes.ts';
import { sessionOf } from '../runtime/fake-session.ts';

/** A box of the size of the object in each frame, shifted. */
function resultOf(index: number, shift: number, bundleDigest: string): FrameResult {
  const detections = createDetections(1);
  detections.boxes.set([10 + shift, 10, 30 + shift, 30]);
  detections.scores[0] = 0.9;
  detections.count = 1;
  const envelope = { camera: 'front', sequence: index, stamp: { sec: index, nanosec: 0 }, receivedAt: 0 };
  return {
    envelope,
    detections,
    sourceWidth: 64,
    sourceHeight: 48,
    statistics: null,
    bundleDigest,
  } as unknown as FrameResult;
}

function evaluated() {
  const clock = new FakeClock();
  const part = new Labels(10, clock);
  const session = sessionOf();
  const { sink, metrics } = part.attach(session);
  const label = (index: number, camera = 'front'): void =>
    part.takeLabels({
      camera,
      stamp: { sec: index, nanosec: 0 },
      objects: [{ label: 'person', box: [10, 10, 30, 30] }],
    });
  const publish = (index: number, shift = 0, digest = 'a'): void =>
    void sink?.deliver(resultOf(index, shift, digest), null);
  return { clock, part, session, metrics, label, publish };
}

describe('the labels part', () => {
  it('is silent without labels', async () => {
    const { part, metrics, publish } = evaluated();
    publish(1);
    expect(part.status()).toEqual({});
    expect(part.labeledAccuracy()).toEqual({});
    expect(await metrics?.text()).not.toContain('goshawk_labeled_ap{');
  });

  it('has AP in status and metrics, and evaluates again after some seconds', async () => {
    const { clock, part, metrics, label, publish } = evaluated();
    label(1);
    publish(1);
    expect(part.status()).toMatchObject({ labeled: { front: { frames: 1, objects: 1 } } });
    expect(await metrics?.text()).toMatch(/goshawk_labeled_ap\{camera="front"\} 1/);
    label(2);
    publish(2, 30);
    expect(part.labeledAccuracy()['front']?.frames).toBe(1);
    clock.advance(6_000);
    expect(part.labeledAccuracy()['front']).toMatchObject({ frames: 2, objects: 2 });
    expect(part.labeledAccuracy()['front']?.ap).toBeLessThan(0.6);
    expect(await metrics?.text()).toContain('goshawk_labels_total{camera="front",outcome="matched"} 2');
  });

  it('takes labels that come later, and ignores those of a camera that there is not', () => {
    const { clock, part, label, publish } = evaluated();
    label(0);
    publish(1);
    publish(2);
    label(2);
    label(1);
    label(1, 'nowhere');
    clock.advance(6_000);
    expect(part.labeledAccuracy()).toMatchObject({ front: { frames: 2, ap50: 1 } });
  });

  it('is of the time of the newest pair, and nothing once none has come for a minute', async () => {
    const { clock, part, metrics, label, publish } = evaluated();
    label(1);
    publish(1);
    const pairedAt = new Date(clock.wallMs()).toISOString();
    clock.advance(30_000);
    label(2);
    publish(3);
    expect(part.labeledAccuracy()['front']).toMatchObject({ at: pairedAt, frames: 1 });
    clock.advance(31_000);
    expect(part.labeledAccuracy()).toEqual({});
    expect(await metrics?.text()).not.toContain('goshawk_labeled_ap{');
    expect(await metrics?.text()).toContain('goshawk_labels_total{camera="front",outcome="matched"} 1');
    publish(2);
    expect(part.labeledAccuracy()['front']).toMatchObject({ frames: 2 });
  });

  it('states the first pair at once, though it was asked before there was one', () => {
    const { part, label, publish } = evaluated();
    label(1);
    expect(part.labeledAccuracy()['front']?.frames).toBe(0);
    publish(1);
    expect(part.labeledAccuracy()['front']?.frames).toBe(1);
  });

  it('says of labels without a single pair that they have none', () => {
    const { clock, part, label } = evaluated();
    label(1);
    clock.advance(59_000);
    label(2);
    clock.advance(59_000);
    expect(part.labeledAccuracy()['front']).toMatchObject({ frames: 0, ap: null });
  });

  it('begins anew with another bundle, for labels that wait as well', () => {
    const { part, label, publish } = evaluated();
    label(1);
    publish(1, 30);
    publish(2, 30);
    label(3);
    expect(part.labeledAccuracy()['front']).toMatchObject({ frames: 1, ap50: 0 });
    publish(3, 0, 'b');
    label(2);
    expect(part.labeledAccuracy()['front']).toMatchObject({ frames: 1, ap50: 1 });
  });

  it('forgets with its session', () => {
    const { part, session, label, publish } = evaluated();
    label(1);
    publish(1);
    part.detach();
    expect(part.labeledAccuracy()).toEqual({});
    part.attach(session);
    expect(part.labeledAccuracy()).toEqual({});
  });

  it('adds to drift windows', () => {
    const { clock, part, session, label, publish } = evaluated();
    const sent: unknown[] = [];
    const device = {
      send: (_stream: string, make: () => unknown) => void sent.push(make()),
      labeledAccuracy: () => part.labeledAccuracy(),
    };
    const options = { windowSeconds: 10, reference: '', falseAlarmsPerWeek: 1, log: () => undefined };
    const drift = new Drift(device, clock, options);
    drift.attach(session);
    label(1);
    publish(1);
    drift.detach();
    expect(driftBodySchema.parse(sent[0]).cameras[0]?.labeled).toMatchObject({ frames: 1, ap: 1 });
  });
});
