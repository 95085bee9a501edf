import { describe, expect, it } from 'vitest';
import { diagnoseTelemetry } from '../../../src/ros/detector/diagnose-telemetry.ts';

const counts = {
  produced: 5,
  delivered: 2,
  declared: { superseded: 1 },
  waiting: 2,
  waitingBytes: 900,
  oldestSeconds: 40,
};
const well = { connected: true, protocol: '5', code: null, reason: '', outbox: null, fleet: null };

describe('diagnostics of telemetry', () => {
  it('show the link, the outbox, the fleet and each stream', () => {
    expect(diagnoseTelemetry({ ...well, streams: { metrics: counts } })).toEqual([
      {
        name: 'telemetry',
        level: 'ok',
        message: 'connected by MQTT 5',
        values: { connected: 'yes', code: '' },
      },
      {
        name: 'telemetry outbox',
        level: 'ok',
        message: 'on the disk',
        values: { waiting: 2, waiting_bytes: 900, oldest_seconds: 40 },
      },
      {
        name: 'telemetry fleet',
        level: 'ok',
        message: 'no trouble with acknowledgements',
        values: { acknowledged: 2 },
      },
      {
        name: 'telemetry stream metrics',
        level: 'ok',
        message: '2 waiting',
        values: {
          produced: 5,
          acknowledged: 2,
          waiting: 2,
          waiting_bytes: 900,
          oldest_seconds: 40,
          declared_superseded: 1,
        },
      },
    ]);
  });

  it('warn of a disk that takes nothing and of a fleet that acknowledges nothing', () => {
    const fleet = { code: 'GOSHAWK_TELEMETRY_UNACKNOWLEDGED', reason: 'none for 60 s' };
    const outbox = { code: 'GOSHAWK_OUTBOX_UNWRITABLE', reason: 'no space' };
    expect(diagnoseTelemetry({ ...well, fleet }).map(({ level }) => level)).toEqual(['warn', 'ok', 'warn']);
    expect(diagnoseTelemetry({ ...well, outbox })[1]?.message).toContain('in memory only: GOSHAWK_OUTBOX');
  });
});
