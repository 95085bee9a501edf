import { describe, expect, it } from 'vitest';
import { checkClock, checkClockSteps } from '../../../src/tools/doctor/checks/clock.ts';
import { fakeProbe } from './fake-probe.ts';

const TIMEDATECTL = 'timedatectl show --property=NTPSynchronized --value';
const CHRONY = 'chronyc -n tracking';

describe('clock', () => {
  it('trusts systemd, then chrony', () => {
    expect(checkClock(fakeProbe({ commands: { [TIMEDATECTL]: 'yes\n' } })).status).toBe('ok');
    expect(checkClock(fakeProbe({ commands: { [TIMEDATECTL]: 'no\n' } })).status).toBe('warn');
    const chrony = (leap: string) => ({
      [TIMEDATECTL]: 'no\n',
      [CHRONY]: `Stratum : 3\nLeap status     : ${leap}\n`,
    });
    expect(checkClock(fakeProbe({ commands: chrony('Normal') })).status).toBe('ok');
    expect(checkClock(fakeProbe({ commands: chrony('Not synchronised') })).status).toBe('warn');
  });

  it('warns if nothing can be queried', () => {
    expect(checkClock(fakeProbe({})).finding).toContain('container');
  });

  it('fails on a board that woke up in 1970', () => {
    expect(checkClock(fakeProbe({ wall: [3_600_000], commands: { [TIMEDATECTL]: 'yes' } })).status).toBe(
      'fail',
    );
  });
});

describe('steps', () => {
  const start = Date.UTC(2026, 0, 1);
  const steady = Array.from({ length: 20 }, (_, i) => i * 20);

  it('are not reported when both clocks advance equally', async () => {
    const finding = await checkClockSteps(
      fakeProbe({ monotonic: steady, wall: steady.map((ms) => start + ms) }),
    );
    expect(finding.status).toBe('ok');
  });

  it('are detected in both directions', async () => {
    for (const step of [-500, 500]) {
      const wall = steady.map((ms, i) => start + ms + (i >= 5 ? step : 0));
      const finding = await checkClockSteps(fakeProbe({ monotonic: steady, wall }));
      expect(finding).toMatchObject({ status: 'warn', finding: expect.stringContaining('500 ms') as string });
    }
  });

  it('fail on a monotonic clock that runs backwards', async () => {
    const monotonic = [0, 20, 40, 10, 60];
    const finding = await checkClockSteps(fakeProbe({ monotonic, wall: monotonic.map((ms) => start + ms) }));
    expect(finding.status).toBe('fail');
  });
});
