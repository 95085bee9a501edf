import { expect, it } from 'vitest';
import { DetectorNames } from '../../../src/fleet/ingest/detector-names.ts';

const topic = (robot: string, node: string, stream = 'state'): string =>
  `fleet/v1/yard/${robot}/${node}/${stream}`;

it('a robot speaks under 32 names and no more, which keeps no other robot from its own', () => {
  const names = new DetectorNames();
  for (let n = 0; n < 32; n += 1) names.admit(topic('r1', `node${n}`));
  for (const stream of ['state', 'connection']) {
    expect(() => names.admit(topic('r1', 'node32', stream))).toThrow(
      expect.objectContaining({ reason: 'sender' }),
    );
    expect(() => names.admit(topic('r1', 'node31', stream))).not.toThrow();
    expect(() => names.admit(topic('r2', 'node32', stream))).not.toThrow();
  }
});

it('what is no topic of a robot is none of its names', () => {
  expect(() => new DetectorNames().admit('fleet/v1/yard/r 1/node/state')).toThrow(
    expect.objectContaining({ reason: 'topic' }),
  );
});
