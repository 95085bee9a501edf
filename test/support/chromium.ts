import chromium from '@sparticuz/chromium';
import { spawnSync } from 'node:child_process';
import { chromium as playwright, type Browser } from 'playwright-core';
import { CHROMIUM_PACKAGES } from '../../scripts/bootstrap/system-packages.mjs';
import type { Need } from './needs.ts';

const EXECUTABLE = await chromium.executablePath();

/** Whether it starts, which needs some system libraries. */
export const CHROMIUM: Need = {
  isThere: () =>
    spawnSync(EXECUTABLE, ['--version', '--no-sandbox', '--headless'], { stdio: 'ignore' }).status === 0,
  missing: 'Chromium does not start',
  first: `sudo apt-get install ${CHROMIUM_PACKAGES.join(' ')} &&`,
};

const ARGUMENTS = [
  'no-sandbox',
  'no-zygote',
  'disable-gpu',
  'disable-background-networking',
  'disable-component-update',
  'disable-sync',
];

/**
 * A real Chromium, from an npm package, so that neither root nor a browser download is needed. The package's default
 * arguments are not used: with its `--single-process` the browser dies when the first page is closed.
 */
export async function openChromium(): Promise<Browser> {
  return playwright.launch({
    executablePath: EXECUTABLE,
    args: ARGUMENTS.map((name) => `--${name}`),
    headless: true,
  });
}
