import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { withOutcome, withReport } from '../../../src/cli/kit/report.ts';

it('writes the result of the work as readable JSON', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-report-'));
  try {
    const file = join(folder, 'report.json');
    await expect(withReport(file, () => Promise.resolve({ ap: 0.5 }))).resolves.toEqual({ ap: 0.5 });
    expect(await readFile(file, 'utf8')).toBe('{\n  "ap": 0.5\n}\n');
    const outcome = { report: { ap: 0.6 }, folder: '/models' };
    await expect(withOutcome(file, () => Promise.resolve(outcome))).resolves.toEqual(outcome);
    expect(await readFile(file, 'utf8')).toBe('{\n  "ap": 0.6\n}\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it.each([['/proc/report.json'], [undefined, '/proc/detections.json']])(
  'does no work whose outputs cannot be written: %s %s',
  async (file, ...others) => {
    const work = vi.fn(() => Promise.resolve({}));
    await expect(withReport(file, work, ...others)).rejects.toMatchObject({ code: 'GOSHAWK_OUTPUT_REFUSED' });
    expect(work).not.toHaveBeenCalled();
  },
);
