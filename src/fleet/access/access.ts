import { includesRole, type Role } from '../../contract/fleet/access.ts';
import { TokenBuckets, type BucketRule } from '../../core/rate/token-buckets.ts';
import type { HttpRequest } from '../../platform/http/route.ts';
import type { Author } from '../store/audit.ts';
import type { KeptToken } from '../store/tokens.ts';
import { addressKey } from './address-key.ts';
import { credentialsOf, isForeign } from './credentials.ts';
import {
  refuseHaste,
  refuseMissing,
  refuseOrigin,
  refuseRole,
  refuseToken,
  type Denial,
  type WrongToken,
} from './denials.ts';
import { isSameSecret, parseToken, type TokenKey } from './token.ts';

/** Where tokens are kept. */
export interface TokenStore {
  find(id: string): Promise<KeptToken | null>;
  noteUse(id: string): Promise<void>;
  isAnyMade(): Promise<boolean>;
}

/**
 * - `tokens`: nothing without a token
 * - `local`: on the loopback address, everybody reads until the first token is made
 * - `insecure`: everybody reads, because the operator said so
 */
export type AccessMode = 'tokens' | 'local' | 'insecure';

export interface AccessOptions {
  readonly mode: AccessMode;
  /** of requests, for each token, and for each address without one */
  readonly requests: BucketRule;
  /** monotonic milliseconds; seam for tests */
  readonly nowMs?: () => number;
}

/** Who asks, and is allowed to. */
export interface Caller {
  /** null: somebody without a token, where none is needed */
  readonly token: { readonly id: string; readonly name: string } | null;
  readonly role: Role;
  readonly address: string;
}

/** Wrong tokens from one address: the secret has 256 bits, so this only makes guessing slow, and shows it. */
const GUESSES: BucketRule = { burst: 10, perSecond: 0.2 };
/** Tokens that were right: looking them up is not limited by what others send from the same address. */
const MAX_TRUSTED = 1_000;
/** How exactly the time of the last use is kept. */
const USE_MS = 60_000;

/** A token that was right. */
interface Trusted {
  /** of its secret, in hex */
  readonly sha256: string;
  /** when its use was noted last, monotonic milliseconds */
  readonly notedAtMs: number;
}

/** Decides who may ask for what, and how often. */
export class Access {
  readonly #store: TokenStore;
  readonly #options: AccessOptions;
  readonly #now: () => number;
  readonly #requests: TokenBuckets;
  /** of wrong tokens, for each address: what the database is asked for strangers */
  readonly #lookUps: TokenBuckets;
  readonly #guesses = new TokenBuckets(GUESSES);
  readonly #trusted = new Map<string, Trusted>();
  #isAnyMade = false;

  constructor(store: TokenStore, options: AccessOptions) {
    this.#store = store;
    this.#options = options;
    this.#now = options.nowMs ?? ((): number => performance.now());
    this.#requests = new TokenBuckets(options.requests);
    this.#lookUps = new TokenBuckets(options.requests);
  }

  /** How open it is now: `local` ends with the first token. Throws as `Database.query` does. */
  async mode(): Promise<AccessMode> {
    const { mode } = this.#options;
    if (mode !== 'local') return mode;
    // tokens are never deleted: once there is one, that stays
    this.#isAnyMade ||= await this.#store.isAnyMade();
    return this.#isAnyMade ? 'tokens' : 'local';
  }

  /** Who asks, or why not. Throws as `Database.query` does. */
  async admit(
    request: Pick<HttpRequest, 'method' | 'headers' | 'address'>,
    needed: Role,
  ): Promise<Caller | Denial> {
    const credentials = credentialsOf(request);
    // a page of another port is the same site for cookies
    if (request.method !== 'GET' && isForeign(request))
      return refuseOrigin(request.headers.origin?.slice(0, 100) ?? '');
    const caller =
      credentials === null
        ? await this.#withoutToken(request.address)
        : await this.#withToken(credentials.token, request.address);
    if ('reason' in caller) return caller;
    return includesRole(caller.role, needed) ? caller : refuseRole(caller.role, needed);
  }

  /**
   * Whose token a text is, or why it is none. Wrong ones count against the address, which may be that of a proxy: they
   * do not keep a right one out. Throws as `Database.query` does.
   */
  async identify(text: string, address: string): Promise<Caller | Denial> {
    const key = parseToken(text);
    const from = addressKey(address);
    if (key === null) return this.#refuseWrong('malformed', from);
    const isTrusted = this.#isTrusted(key);
    const wait = isTrusted ? 0 : this.#lookUps.take(from, this.#now());
    if (wait > 0) return refuseHaste('rate', wait);
    const token = await this.#check(key);
    if (typeof token === 'string') {
      this.#distrust(key);
      return this.#refuseWrong(token, from);
    }
    if (!isTrusted) this.#lookUps.giveBack(from, this.#now());
    await this.#trust(key);
    return { token: { id: key.id, name: token.name }, role: token.role, address };
  }

  /** Whether somebody who was let in still may stay. Throws as `Database.query` does. */
  async isStillAllowed({ token }: Caller): Promise<boolean> {
    if (token === null) return (await this.mode()) !== 'tokens';
    const kept = await this.#store.find(token.id);
    return kept !== null && whatIsOver(kept) === null;
  }

  async #withToken(text: string, address: string): Promise<Caller | Denial> {
    const caller = await this.identify(text, address);
    if ('reason' in caller || caller.token === null) return caller;
    return this.#hasteOf(caller.token.id) ?? caller;
  }

  async #withoutToken(address: string): Promise<Caller | Denial> {
    const haste = this.#hasteOf(addressKey(address));
    if (haste !== null) return haste;
    if ((await this.mode()) === 'tokens') return refuseMissing();
    return { token: null, role: 'viewer', address };
  }

  #hasteOf(key: string): Denial | null {
    const wait = this.#requests.take(key, this.#now());
    return wait > 0 ? refuseHaste('rate', wait) : null;
  }

  #refuseWrong(reason: WrongToken, from: string): Denial {
    const wait = this.#guesses.take(from, this.#now());
    return wait > 0 ? refuseHaste('guesses', wait) : refuseToken(reason);
  }

  async #check(key: TokenKey): Promise<KeptToken | WrongToken> {
    const kept = await this.#store.find(key.id);
    if (!isSameSecret(key, kept?.sha256 ?? null) || kept === null) return 'unknown';
    return whatIsOver(kept) ?? kept;
  }

  #isTrusted({ id, sha256 }: TokenKey): boolean {
    return this.#trusted.get(id)?.sha256 === sha256.toString('hex');
  }

  /** A wrong secret does not change what is known of the right one. */
  #distrust(key: TokenKey): void {
    if (this.#isTrusted(key)) this.#trusted.delete(key.id);
  }

  /** Remembers a right token; its use is noted once a minute, not for each request. */
  async #trust({ id, sha256 }: TokenKey): Promise<void> {
    const now = this.#now();
    const { notedAtMs = -Infinity } = this.#trusted.get(id) ?? {};
    const isDue = now - notedAtMs >= USE_MS;
    if (isDue) await this.#store.noteUse(id);
    this.#trusted.delete(id);
    this.#trusted.set(id, { sha256: sha256.toString('hex'), notedAtMs: isDue ? now : notedAtMs });
    for (const oldest of this.#trusted.keys()) {
      if (this.#trusted.size <= MAX_TRUSTED) return;
      this.#trusted.delete(oldest);
    }
  }
}

function whatIsOver({ isRevoked, expiresAt }: KeptToken): 'revoked' | 'expired' | null {
  if (isRevoked) return 'revoked';
  return expiresAt !== null && expiresAt.getTime() <= Date.now() ? 'expired' : null;
}

/** As the audit names who changes something. */
export function authorOf({ token, role, address }: Caller): Author {
  return { actor: token?.name ?? 'anonymous', role, address };
}
