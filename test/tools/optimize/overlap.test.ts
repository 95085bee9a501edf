import { describe, expect, it } from 'vitest';
import { refuseOverlap } from '../../../src/tools/optimize/overlap.ts';

const pictures = (...pairs: [string, string][]) => ({
  names: pairs.map(([name]) => name),
  pixelDigests: pairs.map(([, digest]) => digest),
});

describe('refuseOverlap', () => {
  const labeled = pictures(['a.jpg', '1'], ['b.jpg', '2'], ['c.jpg', '3'], ['d.jpg', '4']);

  it('accepts images that differ', () => {
    refuseOverlap('calibration', pictures(['a.jpg', '5'], ['b.jpg', '6']), labeled);
  });

  it('names the first identical images, whatever their names', () => {
    const same = pictures(['x.png', '4'], ['own.jpg', '9'], ['a.jpg', '1'], ['y.png', '2'], ['z.png', '3']);
    expect(() => {
      refuseOverlap('calibration', same, labeled);
    }).toThrow(
      new RegExp(
        '^4 of the 5 calibration images in calibration are also labeled images, pixel for pixel: ' +
          'x\\.png is d\\.jpg, a\\.jpg is a\\.jpg, y\\.png is b\\.jpg, and 1 more',
      ),
    );
  });
});
