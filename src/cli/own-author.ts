import { userInfo } from 'node:os';
import type { Author } from '../fleet/store/audit.ts';

/** Whoever runs this command, for the audit. */
export function ownAuthor(): Author {
  return { actor: `cli:${userInfo().username}`, role: null, address: 'local' };
}
