import { TOKEN_COOKIE } from '../../contract/fleet/access.ts';
import type { HttpRequest } from '../../platform/http/route.ts';

/** The token that a request carries, and how; null if it carries none. */
export interface Credentials {
  readonly token: string;
  readonly isCookie: boolean;
}

/** Of the header, or else of the cookie. */
export function credentialsOf({ headers }: Pick<HttpRequest, 'headers'>): Credentials | null {
  const { authorization, cookie } = headers;
  if (authorization !== undefined)
    return { token: /^Bearer (\S+)$/i.exec(authorization)?.[1] ?? '', isCookie: false };
  const [, token] = new RegExp(`(?:^|;\\s*)${TOKEN_COOKIE}=([^;]*)`).exec(cookie ?? '') ?? [];
  return token === undefined || token === '' ? null : { token, isCookie: true };
}

/**
 * Keeps a token in the browser until it ends.
 * @param isSecure whether the request came through TLS: the cookie then never leaves without
 */
export function setCookie(token: string, isSecure: boolean): string {
  return `${TOKEN_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

/** Takes it away. */
export function dropCookie(): string {
  return `${TOKEN_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
}

/** Whether a browser says that the page which makes the request is another server's. */
export function isForeign({ headers }: Pick<HttpRequest, 'headers'>): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}
