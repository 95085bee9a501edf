import { openAsBlob } from 'node:fs';

const TIMEOUT_MS = 600_000;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Puts a file at a URL, such as one that a storage service has signed. Only https, or http to this machine, and only to
 * hosts that are named. Redirects are not followed: they would take the file elsewhere.
 * @param hosts names as in a URL (`storage.example`, `[::1]`), which stand for every port, or with a port
 * @returns null if it was accepted, or the reason in words; never the URL, which has secrets
 */
export async function putFile(path: string, url: string, hosts: readonly string[]): Promise<string | null> {
  const target = URL.parse(url);
  if (target === null || !isEncrypted(target)) return 'the URL is not https';
  // fetch refuses them too, in words that have them
  if (target.username !== '' || target.password !== '') return 'the URL has a user name or a password';
  if (!isAmong(hosts, target)) return `${target.host} is not in capture_put_hosts of the robot`;
  try {
    const body = await openAsBlob(path);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const { ok, status } = await fetch(target, { method: 'PUT', body, redirect: 'manual', signal });
    return ok ? null : `${target.host} answers ${String(status)}`;
  } catch (error) {
    return `${target.host} cannot be reached (${codeOf(error)})`;
  }
}

const isEncrypted = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));

function isAmong(hosts: readonly string[], { hostname, host }: URL): boolean {
  return hosts.map((name) => name.toLowerCase()).some((name) => name === hostname || name === host);
}

/** Such as ECONNREFUSED, CERT_HAS_EXPIRED or TimeoutError: messages may have the URL. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
