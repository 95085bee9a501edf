import { createHash } from 'node:crypto';
import { PAGE_SCRIPT, PAGE_STYLE } from './page.ts';

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/**
 * What a browser may do with any answer of this server: run the page's own script and style, talk to this
 * server, and nothing else.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    `script-src ${sourceOf(PAGE_SCRIPT)}`,
    `style-src ${sourceOf(PAGE_STYLE)}`,
    // The page shows images that it fetched (blob:), and has an empty icon (data:).
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};
