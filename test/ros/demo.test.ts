import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import { statusSchema } from '../../src/contract/status.ts';
import { CHROMIUM, openChromium } from '../support/chromium.ts';
import { RosBench } from './support/ros-process.ts';
import { CLI } from '../support/programs.ts';
import { describeWith, ROS } from '../support/needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-demo-'));
const bench = new RosBench(1);
afterAll(async () => {
  await bench.close();
  rmSync(folder, { recursive: true, force: true });
});

describeWith([ROS, CHROMIUM], 'npm start, after set-up', () => {
  it('shows a simulated street with detections in a browser, and ends cleanly on SIGTERM', async () => {
    const report = join(folder, 'run.json');
    const demo = bench.start(process.execPath, CLI, ...['demo', '--port', '0', '--report', report]);
    await demo.waitFor(/first detections after/, 90);
    const url = /page: (\S+)/.exec(demo.output)?.[1] ?? '';

    const browser = await openChromium();
    try {
      const page = await browser.newPage();
      await page.goto(url, { waitUntil: 'domcontentloaded' });
      await page.getByText('healthy', { exact: true }).waitFor();
      const shown = page.getByAltText(/^Annotated live image/);
      await expect
        .poll(() => shown.evaluate((image) => (image as { naturalWidth?: number }).naturalWidth), {
          timeout: 30_000,
        })
        .toBe(640);
      await expect
        .poll(async () => Number(await page.locator('#fps-out').textContent()), { timeout: 30_000 })
        .toBeGreaterThan(1);
      expect(await page.locator('#bundle').textContent()).toContain('goshawk-street@');
    } finally {
      await browser.close();
    }

    const { frames } = statusSchema.parse(await (await fetch(`${url}/api/status`)).json());
    const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
    expect(frames.received).toBe(frames.published + dropped + frames.inFlight);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('goshawk_frames_published_total{');

    expect(await demo.stop('SIGTERM', 'alone')).toBe(0);
    expect(demo.output).toContain('ended cleanly');
    const run = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(run.frames.published).toBeGreaterThan(0);
    expect(run.detections).toBeGreaterThan(0);
    expect(run.bundle.name).toBe('goshawk-street');
  });
});
