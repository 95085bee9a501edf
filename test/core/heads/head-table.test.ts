import { describe, expect, it } from 'vitest';
import { HEAD_TABLE, HEADS } from '../../../src/core/heads/head-table.ts';
import { headOfLayout } from '../../../src/core/heads/output-layout.ts';

describe.each(HEADS)('the row of %s', (head) => {
  const { unit, scores, isSuppressed: suppressed } = HEAD_TABLE[head];

  it('is found by its layout, or one before it that reads the same values', () => {
    const found = headOfLayout({ unit, scores, suppressed });
    expect(HEAD_TABLE[found]).toMatchObject({ scores, isSuppressed: suppressed });
    expect(HEADS.indexOf(found)).toBeLessThanOrEqual(HEADS.indexOf(head));
  });

  it('is preferred to others that read the same layout', () => {
    expect(headOfLayout({ unit, scores, suppressed }, head)).toBe(head);
  });
});

it('a preferred head that cannot read the layout is not used', () => {
  expect(headOfLayout({ unit: 'pixels', scores: 'label', suppressed: false }, 'yolov8')).toBe('labeled');
  expect(headOfLayout({ unit: 'cells', scores: 'objectness', suppressed: false }, 'yolov5')).toBe('yolox');
});

it('an objectness is read although objects were declared to be suppressed', () => {
  expect(headOfLayout({ unit: 'pixels', scores: 'objectness', suppressed: true })).toBe('yolov5');
});
