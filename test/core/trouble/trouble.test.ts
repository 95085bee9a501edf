import { describe, expect, it } from 'vitest';
import { rankOf, troublesOf, type Condition } from '../../../src/core/trouble/trouble.ts';

const frames = { received: 1_800, published: 1_800, drops: {}, periodMs: 33.3, p99Ms: 20 };
const fine: Condition = {
  connection: 'ONLINE',
  isSilent: false,
  messageAgeSeconds: 3,
  cameras: [{ camera: 'front', silentSeconds: 0.03 }],
  frames,
  temperatureCelsius: 55,
  quarantined: 0,
  holes: 0,
};
const dropping = (published: number, drops: Record<string, number>): Condition => ({
  ...fine,
  frames: { ...frames, published, drops },
});

describe('trouble', () => {
  it.each<[string, Condition, string[]]>([
    ['nothing', fine, []],
    ['no sensor, no window, no camera', { ...fine, temperatureCelsius: null, frames: null, cameras: [] }, []],
    ['silence', { ...fine, isSilent: true, messageAgeSeconds: 240 }, ['bad silent: last message 4 min ago']],
    [
      'silence from the start',
      { ...fine, connection: null, isSilent: true, messageAgeSeconds: null },
      ['bad silent: nothing ever received'],
    ],
    [
      'a lost connection, of which what was before says nothing',
      { ...dropping(0, { superseded: 1_800 }), connection: 'CONNECTION_BROKEN', messageAgeSeconds: 8_000 },
      ['bad disconnected: connection broke; last message 2 h ago'],
    ],
    [
      'a leave',
      { ...fine, connection: 'OFFLINE', messageAgeSeconds: 200_000 },
      ['note left: shut down; last message 2 days ago'],
    ],
    [
      'hibernation',
      { ...fine, connection: 'HIBERNATING' },
      ['note hibernating: takes no frames, by intention'],
    ],
    [
      'cameras without frames',
      {
        ...fine,
        cameras: [
          { camera: 'front', silentSeconds: 12 },
          { camera: 'rear', silentSeconds: null },
        ],
      },
      ['bad camera_silent: camera front: no frame for 12 s', 'bad camera_silent: camera rear: no frame yet'],
    ],
    [
      'no frame published',
      dropping(0, { inference_failed: 1_800 }),
      ['bad blind: drops every frame: inference_failed'],
    ],
    [
      'most frames dropped',
      dropping(800, { superseded: 900, stale: 100 }),
      ['bad dropping: drops 56 % of frames, most as superseded'],
    ],
    [
      'some frames dropped',
      dropping(1_600, { stale: 200 }),
      ['warn dropping: drops 11 % of frames, most as stale'],
    ],
    ['few frames dropped', dropping(1_700, { stale: 100 }), []],
    [
      'drops of a camera that gave few frames',
      { ...fine, frames: { ...frames, received: 10, published: 5, drops: { stale: 5 } } },
      [],
    ],
    [
      'latency',
      { ...fine, frames: { ...frames, p99Ms: 240 } },
      ['warn late: p99 of latency 240 ms, with a frame every 33 ms'],
    ],
    ['latency of a slow camera', { ...fine, frames: { ...frames, periodMs: 1_000, p99Ms: 240 } }, []],
    ['heat', { ...fine, temperatureCelsius: 84 }, ['warn hot: hottest sensor at 84 °C']],
    ['much heat', { ...fine, temperatureCelsius: 92 }, ['bad hot: hottest sensor at 92 °C']],
    [
      'a ledger with holes, also of a robot that is away',
      { ...fine, connection: 'OFFLINE', messageAgeSeconds: 5, holes: 1, quarantined: 2 },
      [
        'warn holes: 1 message neither stored nor declared lost',
        'warn quarantine: 2 messages in quarantine',
        'note left: shut down; last message 5 s ago',
      ],
    ],
  ])('%s', (_what, condition, expected) => {
    expect(troublesOf(condition).map(({ kind, severity, text }) => `${severity} ${kind}: ${text}`)).toEqual(
      expected,
    );
  });

  it('orders robots: whoever does not see before whoever sees badly, and these before whoever is meant to rest', () => {
    const rank = (condition: Condition): number => rankOf(troublesOf(condition)[0]);
    const ranks = [
      rank({ ...fine, isSilent: true }),
      rank(dropping(0, { stale: 1_800 })),
      rank({ ...fine, temperatureCelsius: 84 }),
      rank({ ...fine, holes: 1 }),
      rank({ ...fine, connection: 'HIBERNATING' }),
      rank(fine),
    ];
    expect([...ranks].sort((one, other) => one - other)).toEqual(ranks);
    expect(new Set(ranks).size).toBe(ranks.length);
  });
});
