import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import { statusSchema } from '../../src/contract/status.ts';
import { makeFleetFolder } from '../fleet/support/fleet-folder.ts';
import { CHROMIUM, openChromium } from '../support/chromium.ts';
import { RosBench } from './support/ros-process.ts';
import { CLI } from '../support/programs.ts';
import { describeWith, ROS } from '../support/needs.ts';

const home = makeFleetFolder();
const bench = new RosBench(1);
afterAll(async () => {
  await bench.close();
  home.remove();
});

describeWith([ROS, CHROMIUM], 'npm start, after set-up', () => {
  it('shows a simulated street with detections in a browser, and ends cleanly on SIGTERM', async () => {
    const report = join(home.path, 'run.json');
    const args = ['demo', '--port', '0', '--report', report, '--folder', home.path];
    const demo = bench.start(process.execPath, CLI, ...args);
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

    await demo.waitFor(/fleet: [1-9]\d* messages stored, ledger complete/, 60);

    expect(await demo.stop('SIGTERM', 'alone')).toBe(0);
    expect(demo.output).toContain('ended cleanly');
    expect(demo.output).toMatch(/fleet: [1-9]\d* messages stored, ledger complete\n$/);
    expect(existsSync(join(home.path, 'fleet/data/postmaster.pid'))).toBe(false);
    const run = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(run.frames.published).toBeGreaterThan(0);
    expect(run.detections).toBeGreaterThan(0);
    expect(run.bundle.name).toBe('goshawk-street');
  });
});
