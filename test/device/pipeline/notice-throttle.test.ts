import { describe, expect, it } from 'vitest';
import { NoticeThrottle } from '../../../src/device/pipeline/notice-throttle.ts';
import type { PipelineNotice } from '../../../src/device/pipeline/pipeline-options.ts';
import { FakeClock } from './fakes.ts';

function throttled(): { clock: FakeClock; lines: string[]; throttle: NoticeThrottle } {
  const clock = new FakeClock();
  const lines: string[] = [];
  const throttle = new NoticeThrottle(clock, ({ code, message }) => lines.push(`${code} ${message}`));
  return { clock, lines, throttle };
}

const warning = (code: string): PipelineNotice => ({ level: 'warn', code, message: 'bad frame' });

describe('NoticeThrottle', () => {
  it('passes one warning of a kind every five seconds and counts suppressed ones', () => {
    const { clock, lines, throttle } = throttled();
    for (let i = 0; i < 100; i++) {
      throttle.send(warning('A'));
      clock.advance(33);
    }
    expect(lines).toEqual(['A bad frame']);
    clock.advance(2000);
    throttle.send(warning('A'));
    throttle.send(warning('A'));
    expect(lines).toEqual(['A bad frame', 'A bad frame (and 99 more like it)']);
    clock.advance(5000);
    throttle.send(warning('A'));
    expect(lines[2]).toBe('A bad frame (and 1 more like it)');
  });

  it('keeps kinds apart, and never suppresses information', () => {
    const { lines, throttle } = throttled();
    for (const code of ['A', 'B', 'A', 'B']) throttle.send(warning(code));
    for (let i = 0; i < 3; i++) throttle.send({ level: 'info', code: 'C', message: String(i) });
    expect(lines).toEqual(['A bad frame', 'B bad frame', 'C 0', 'C 1', 'C 2']);
  });

  it('does not let one camera or reason hide another', () => {
    const { lines, throttle } = throttled();
    const notices = ['front', 'rear'].flatMap((camera) =>
      ['malformed', 'stamp_repeated'].map((reason) => ({
        ...warning('A'),
        camera,
        reason,
        message: `${camera} ${reason}`,
      })),
    );
    for (let i = 0; i < 3; i++) notices.forEach((notice) => throttle.send(notice));
    expect(lines).toEqual([
      'A front malformed',
      'A front stamp_repeated',
      'A rear malformed',
      'A rear stamp_repeated',
    ]);
  });

  it('survives a log that fails, and works without one', () => {
    const broken = new NoticeThrottle(new FakeClock(), () => {
      throw new Error('the context is shut down');
    });
    broken.send(warning('A'));
    broken.send({ level: 'info', code: 'C', message: '' });
    new NoticeThrottle(new FakeClock(), undefined).send(warning('A'));
  });
});
