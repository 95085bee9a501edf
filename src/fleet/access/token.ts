import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `gsh_ID_SECRET`: the id, 48 bits in hex, is public; the secret has 256 bits, in base64url. */
const TOKEN = /^gsh_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
const ID_BYTES = 6;
const SECRET_BYTES = 32;

/** A token as it is looked up: its public id, and the SHA-256 of its secret, 32 bytes. */
export interface TokenKey {
  readonly id: string;
  readonly sha256: Buffer;
}

/** A new token: its text, which is shown once, and what is kept of it. */
export function makeToken(): { readonly text: string; readonly key: TokenKey } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { text: `gsh_${id}_${secret}`, key: { id, sha256: digestOf(secret) } };
}

/** What a text claims to be; null if it is not a token. */
export function parseToken(text: string): TokenKey | null {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, sha256: digestOf(secret) };
}

/**
 * Compares a digest with the one that is kept, in a time that does not depend on either. A token that does not exist is
 * compared too, with a digest of nothing.
 */
export function isSameSecret(given: TokenKey, kept: Uint8Array | null): boolean {
  return timingSafeEqual(given.sha256, kept ?? NO_DIGEST) && kept !== null;
}

const NO_DIGEST = new Uint8Array(32);

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
