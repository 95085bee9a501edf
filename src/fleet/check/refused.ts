/**
 * Why a message is not stored as what it claims to be.
 * - `topic`: a level of its topic is not a name
 * - `sender`: one robot speaks under too many names
 * - `stream`: this version does not store a stream of that name
 * - `too_large`: more than 1 MiB
 * - `json`: not UTF-8, not JSON, or nested too deeply
 * - `version`: of another major version than its topic
 * - `schema`: not what its stream is made of
 * - `identity`: the payload names another robot or node than the topic, which the broker's access rules hold to
 *   the client
 * - `numbers`: its first number is above the last
 * - `text`: a character that a database cannot store (NUL, half of a pair)
 * - `history`: a batch that cannot be unpacked
 * - `database`: the database refused it
 * - `boots`: its robot began more streams and boots than one may
 * - `ranges`: it leaves more ranges of numbers in a stream of a boot than there may be
 */
export type WrongReason =
  | 'topic'
  | 'sender'
  | 'stream'
  | 'too_large'
  | 'json'
  | 'version'
  | 'schema'
  | 'identity'
  | 'numbers'
  | 'text'
  | 'history'
  | 'database'
  | 'boots'
  | 'ranges';

/** As many words of a refusal as anybody reads. */
const MAX_DETAIL = 500;

/** What is wrong with a message. */
export class Refused extends Error {
  readonly reason: WrongReason;

  constructor(reason: WrongReason, detail: string) {
    super(detail.slice(0, MAX_DETAIL));
    this.reason = reason;
  }
}
