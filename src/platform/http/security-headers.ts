import { createHash } from 'node:crypto';
import type { InlinePage } from './inline-page.ts';

function sourcesOf(texts: readonly string[]): string {
  const digests = texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  return digests.length === 0 ? "'none'" : digests.join(' ');
}

/**
 * What a browser may do with any answer of a server: run the scripts and styles of its page, contact this server, and
 * nothing else.
 */
export function securityHeaders({
  scripts,
  styles,
}: Pick<InlinePage, 'scripts' | 'styles'>): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      `script-src ${sourcesOf(scripts)}`,
      `style-src ${sourcesOf(styles)}`,
      // A page may show images that it fetched (blob:), and have an empty icon (data:).
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
}
