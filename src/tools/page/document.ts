import { readFileSync } from 'node:fs';
import { html, Markup } from './markup.ts';

/** A style sheet that comes with Goshawk. @param url of the file */
export function styleAt(url: URL): Markup {
  return new Markup(readFileSync(url, 'utf8'));
}

/** What all pages share; read when a page is made. */
const STYLE = new URL('page.css', import.meta.url);

/**
 * A self-contained page, without scripts, and without fonts or images from elsewhere.
 * @param own style sheet of this kind of page, after the one that all share
 */
export function renderDocument(title: string, own: Markup, body: Markup): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${styleAt(STYLE)} ${own}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `;
  return page.text;
}
