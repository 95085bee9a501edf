import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHROMIUM, openChromium } from '../support/chromium.ts';
import { describeWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { windowOf } from '../tools/drift/windows.ts';

const HOSTILE = `"><img src=x onerror="document.title='hit'"><script>document.title='hit'</script>'&`;

describeWith(CHROMIUM, 'goshawk drift report', () => {
  let folder = '';
  let browser: Browser;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-report-'));
    const windows = [
      windowOf({ index: 0, camera: HOSTILE, label: HOSTILE, state: 'ok' }),
      windowOf({
        index: 1,
        camera: HOSTILE,
        label: HOSTILE,
        state: 'drifted',
        values: { brightness: [0.1] },
      }),
      windowOf({ index: 1, camera: 'rear' }),
    ];
    writeFileSync(
      join(folder, 'tail.txt'),
      windows.map((body) => `drift ${JSON.stringify(body)}\n`).join(''),
    );
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('writes a page that works without a network or errors, in light and dark, whatever names there are', async () => {
    const html = join(folder, 'report.html');
    const args = [CLI, 'drift', 'report', '--windows', join(folder, 'tail.txt'), '--html', html];
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    const colors: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ colorScheme });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => problems.push(message.text()));
      page.on('request', (request) => {
        if (!request.url().startsWith('file:')) problems.push(request.url());
      });
      await page.goto(pathToFileURL(html).href);
      expect(problems).toEqual([]);
      expect(await page.title()).toBe('What the cameras showed');
      expect(await page.locator('h2').allTextContents()).toEqual([`Camera ${HOSTILE}`, 'Camera rear']);
      expect(await page.locator('svg').count()).toBeGreaterThan(3);
      expect(await page.locator('svg .state-drifted').count()).toBe(1);
      expect(await page.locator('img, script').count()).toBe(0);
      colors.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      await context.close();
    }
    expect(new Set(colors).size).toBe(2);
  });
});
