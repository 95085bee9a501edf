import type { DriftPolicy } from '../../contract/drift-policy.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { parsePolicy, readPolicyText } from './read-policy.ts';

/** Gets what happens to the file. */
export interface PolicyFileListener {
  /** Another policy, which is valid. */
  onPolicy(policy: DriftPolicy): void;
  /** The file cannot be used: the policy before stays. Once for each reason and content. */
  onRefused(error: GoshawkError): void;
}

/** What a look at the file found. */
type Found = { readonly text: string } | { readonly error: GoshawkError };

/**
 * Follows a policy file. It is read again on each look, not watched: an editor, `kubectl` and a network share replace
 * files in ways of which no watcher notices all. What a look finds counts once the next one finds the same: the first
 * half of a file that is being written may be a policy as well.
 */
export class PolicyFile {
  readonly file: string;
  readonly #listener: PolicyFileListener;
  /** of the newest content that was taken or refused; null if it could not be read */
  #text: string | null = null;
  #refusal = '';
  /** what the look before found */
  #before = '';
  #isReading = false;

  constructor(file: string, listener: PolicyFileListener) {
    this.file = file;
    this.#listener = listener;
  }

  /** The policy at first. @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_POLICY_INVALID */
  async open(): Promise<DriftPolicy> {
    const text = await readPolicyText(this.file);
    const policy = parsePolicy(text, this.file);
    this.#text = text;
    return policy;
  }

  /** Reads it again, unless that is already under way. Never rejects. */
  async look(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const found = await this.#read();
      if (this.#isSteady(found)) this.#take(found);
    } finally {
      this.#isReading = false;
    }
  }

  async #read(): Promise<Found> {
    try {
      return { text: await readPolicyText(this.file) };
    } catch (error) {
      return { error: coded(error) };
    }
  }

  #isSteady(found: Found): boolean {
    const key = 'text' in found ? `text: ${found.text}` : `error: ${found.error.message}`;
    const isSame = key === this.#before;
    this.#before = key;
    return isSame;
  }

  #take(found: Found): void {
    // once it can be read again it is news, whatever it says
    this.#text = 'text' in found ? this.#text : null;
    if ('error' in found) this.#refuse(found.error);
    else if (found.text !== this.#text) this.#adopt(found.text);
  }

  #adopt(text: string): void {
    this.#text = text;
    try {
      this.#listener.onPolicy(parsePolicy(text, this.file));
      this.#refusal = '';
    } catch (error) {
      this.#refuse(coded(error));
    }
  }

  #refuse(error: GoshawkError): void {
    if (error.message === this.#refusal) return;
    this.#refusal = error.message;
    this.#listener.onRefused(error);
  }
}

function coded(error: unknown): GoshawkError {
  if (error instanceof GoshawkError) return error;
  return new GoshawkError('GOSHAWK_INTERNAL', { reason: describeError(error) }, { cause: error });
}
