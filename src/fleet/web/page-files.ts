import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Where the page is. */
export const PAGE_FOLDER = new URL('page/', import.meta.url);

/** The folder that uPlot's main file is in. */
const UPLOT = pathToFileURL(createRequire(import.meta.url).resolve('uplot'));

/** Files of the page that npm installs: the charts are those of uPlot, as it is published. */
export const PAGE_PACKAGES: Readonly<Record<string, URL>> = {
  'uPlot.iife.min.js': new URL('uPlot.iife.min.js', UPLOT),
  'uPlot.min.css': new URL('uPlot.min.css', UPLOT),
};
