import { isIPv6 } from 'node:net';
import { GoshawkError } from '../../contract/errors.ts';

export interface HostRules {
  /** where the server listens: an address, or `0.0.0.0` and `::` for all */
  readonly bound: string;
  /** additional names that the operator allows */
  readonly extra: readonly string[];
  /** this machine's own name */
  readonly machine: string;
  /** the option for additional names, for errors */
  readonly option: string;
}

/**
 * A host as URLs write it: lower case, addresses in their shortest form, no port, no trailing dot. `null` if it is not
 * a host.
 */
function canonical(host: string): string | null {
  if (host === '' || /[\s/?#@\\]/.test(host)) return null;
  try {
    const { hostname } = new URL(`http://${host}`);
    return hostname.replace(/\.$/, '') || null;
  } catch {
    return null;
  }
}

/** An address of a socket or an option, as `canonical` writes it in a Host header. */
function canonicalAddress(address: string): string | null {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return canonical(isIPv6(plain) ? `[${plain}]` : plain);
}

/** Whether an address to listen on is reachable from this machine alone. */
export function isLoopbackAddress(address: string): boolean {
  const host = canonicalAddress(address);
  return host !== null && isLoopback(host);
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(\.\d+){3}$/.test(host)
  );
}

/**
 * Decides which `Host` headers are answered. A foreign page can make a browser send requests here under its own host
 * name (DNS rebinding) and read the answers, images included; but it cannot make the browser name another host.
 */
export class AllowedHosts {
  readonly #names = new Set<string>();

  /** @throws GoshawkError GOSHAWK_PARAMETER_INVALID for an extra name that is not a host */
  constructor({ bound, extra, machine, option }: HostRules) {
    const address = canonicalAddress(bound);
    if (address !== null) this.#names.add(address);
    if (address === null || !isLoopback(address)) {
      for (const name of [machine, `${machine}.local`]) {
        const host = canonical(name);
        if (host !== null) this.#names.add(host);
      }
    }
    for (const name of extra) this.#names.add(checkName(name, option));
  }

  /**
   * @param header as received; absent in HTTP/1.0, which no browser uses
   * @param localAddress where the connection arrived: allowed too, for servers that listen on all addresses
   */
  admits(header: string | undefined, localAddress: string | undefined): boolean {
    if (header === undefined) return true;
    const host = canonical(header);
    if (host === null) return false;
    return (
      isLoopback(host) ||
      this.#names.has(host) ||
      (localAddress !== undefined && host === canonicalAddress(localAddress))
    );
  }
}

function checkName(name: string, option: string): string {
  const host = isIPv6(name) ? canonicalAddress(name) : /:\d+$/.test(name) ? null : canonical(name);
  if (host !== null) return host;
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
    name: option,
    value: name,
    reason: 'it must be a host name or an address, without scheme, port and path',
  });
}
