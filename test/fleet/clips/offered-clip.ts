import type { Clip } from '../../../src/contract/clips.ts';
import { sha256Of } from '../../../src/platform/digest.ts';

/** The file of a clip: three chunks and a bit. */
export const BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) & 255));

/** What a robot says of it. */
export const CLIP: Clip = {
  clip: '20261126T180000Z-manual-0a1b2c',
  reason: 'manual',
  text: 'a test',
  cameras: ['front'],
  start: '2026-11-26T18:00:00.000Z',
  end: '2026-11-26T18:00:10.000Z',
  frames: 50,
  missed: 0,
  bytes: BYTES.length,
  sha256: sha256Of(BYTES),
  bundle: null,
  privacy: 'none',
  complete: true,
};
