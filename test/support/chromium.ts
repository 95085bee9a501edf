import chromium from '@sparticuz/chromium';
import { chromium as playwright, type Browser } from 'playwright-core';

const ARGUMENTS = [
  'no-sandbox',
  'no-zygote',
  'disable-gpu',
  'disable-background-networking',
  'disable-component-update',
  'disable-sync',
];

/**
 * A real Chromium, from an npm package, so that no root and no download of a browser is needed. The package's
 * own arguments are left out: with its `--single-process` the browser dies with the first page that is
 * closed.
 */
export async function openChromium(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ARGUMENTS.map((name) => `--${name}`),
    headless: true,
  });
}
