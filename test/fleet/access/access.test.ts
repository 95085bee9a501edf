import { describe, expect, it } from 'vitest';
import type { Role } from '../../../src/contract/fleet/access.ts';
import { Access, type AccessMode, type Caller } from '../../../src/fleet/access/access.ts';
import { addressKey } from '../../../src/fleet/access/address-key.ts';
import type { Denial } from '../../../src/fleet/access/denials.ts';
import { makeToken, parseToken } from '../../../src/fleet/access/token.ts';
import type { KeptToken } from '../../../src/fleet/store/tokens.ts';

const CLIENT = '192.0.2.7';

/** An access with tokens in memory and a clock that stands until it is moved. */
class Bench {
  readonly #kept = new Map<string, KeptToken>();
  nowMs = 0;
  lookUps = 0;
  uses = 0;
  readonly access: Access;

  constructor(mode: AccessMode = 'tokens') {
    const store = {
      find: (id: string) => {
        this.lookUps += 1;
        return Promise.resolve(this.#kept.get(id) ?? null);
      },
      noteUse: () => {
        this.uses += 1;
        return Promise.resolve();
      },
      isAnyMade: () => Promise.resolve(this.#kept.size > 0),
    };
    const requests = { burst: 20, perSecond: 10 };
    this.access = new Access(store, { mode, requests, nowMs: () => this.nowMs });
  }

  add(role: Role, more: Partial<KeptToken> = {}): string {
    const { text, key } = makeToken();
    const kept = { sha256: key.sha256, name: role, role, expiresAt: null, isRevoked: false, ...more };
    this.#kept.set(key.id, kept);
    return text;
  }

  revoke(text: string): void {
    const id = parseToken(text)?.id ?? '';
    this.#kept.set(id, { ...this.#kept.get(id)!, isRevoked: true });
  }

  ask(token: string | null, needed: Role = 'viewer', address = CLIENT): Promise<Caller | Denial> {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    return this.access.admit({ method: 'GET', headers, address }, needed);
  }
}

const outcome = (answer: Caller | Denial): string =>
  'reason' in answer ? `${answer.status} ${answer.reason}` : answer.role;

describe('who may ask', () => {
  it.each([
    ['viewer', 'viewer', 'viewer'],
    ['viewer', 'operator', '403 role'],
    ['operator', 'viewer', 'operator'],
    ['operator', 'release-manager', '403 role'],
    ['release-manager', 'operator', 'release-manager'],
  ] as const)('%s asks for what needs %s: %s', async (role, needed, expected) => {
    const bench = new Bench();
    expect(outcome(await bench.ask(bench.add(role), needed))).toBe(expected);
  });

  it('are those with a token that is known, not revoked and not over', async () => {
    const bench = new Bench();
    const good = bench.add('viewer');
    const other = makeToken().text;
    const answers = {
      [other]: '401 unknown',
      [good.slice(0, 17) + other.slice(17)]: '401 unknown',
      [`${good}x`]: '401 malformed',
      '': '401 malformed',
      [bench.add('viewer', { isRevoked: true })]: '401 revoked',
      [bench.add('viewer', { expiresAt: new Date(Date.now() - 1) })]: '401 expired',
      [bench.add('viewer', { expiresAt: new Date(Date.now() + 60_000) })]: 'viewer',
    };
    for (const [token, expected] of Object.entries(answers))
      expect(outcome(await bench.ask(token)), token).toBe(expected);
    expect(outcome(await bench.ask(null))).toBe('401 missing');
  });

  it('is everybody on the loopback address until there is a token, and everybody where that is wanted', async () => {
    const local = new Bench('local');
    expect(outcome(await local.ask(null))).toBe('viewer');
    expect(outcome(await local.ask(null, 'operator'))).toBe('403 role');
    const operator = local.add('operator');
    expect(outcome(await local.ask(null))).toBe('401 missing');
    expect(outcome(await local.ask(operator, 'operator'))).toBe('operator');
    const insecure = new Bench('insecure');
    insecure.add('operator');
    expect(outcome(await insecure.ask(null))).toBe('viewer');
    expect(outcome(await insecure.ask('wrong'))).toBe('401 malformed');
  });

  it('is no page of another server, whatever cookie its request has', async () => {
    const bench = new Bench();
    const cookie = `a=b; goshawk_fleet_token=${bench.add('operator')}`;
    const from = (origin: string | undefined): Promise<Caller | Denial> => {
      const headers = { cookie, host: 'fleet:8090', ...(origin === undefined ? {} : { origin }) };
      return bench.access.admit({ method: 'PATCH', headers, address: CLIENT }, 'operator');
    };
    expect(outcome(await from('http://fleet:8090'))).toBe('operator');
    for (const origin of ['http://fleet:8091', 'http://evil.example', 'null'])
      expect(outcome(await from(origin))).toBe('403 origin');
  });

  it('is noted once a minute for each token, and not for wrong ones', async () => {
    const bench = new Bench();
    const [one, other] = [bench.add('viewer'), bench.add('viewer')];
    for (let i = 0; i < 10; i += 1) await bench.ask(one);
    await bench.ask(makeToken().text);
    expect([bench.uses, bench.lookUps]).toEqual([1, 11]);
    await bench.ask(other);
    bench.nowMs += 59_999;
    await bench.ask(one);
    expect(bench.uses).toBe(2);
    bench.nowMs += 1;
    await bench.ask(one);
    expect(bench.uses).toBe(3);
  });

  it('is nobody any more once the token was revoked', async () => {
    const bench = new Bench();
    const caller = (await bench.ask(bench.add('viewer'))) as Caller;
    expect(await bench.access.isStillAllowed(caller)).toBe(true);
    const gone = { ...caller, token: { id: 'none', name: 'viewer' } };
    expect(await bench.access.isStillAllowed(gone)).toBe(false);
  });
});

describe('how often', () => {
  it('each token has its own share, and so has each address without one', async () => {
    const bench = new Bench('insecure');
    const [one, other] = [bench.add('viewer'), bench.add('viewer')];
    for (const token of [one, null]) {
      for (let i = 0; i < 20; i += 1) expect(outcome(await bench.ask(token))).toBe('viewer');
      expect(await bench.ask(token)).toMatchObject({ status: 429, reason: 'rate', retryAfter: 1 });
    }
    expect(outcome(await bench.ask(other))).toBe('viewer');
    expect(outcome(await bench.ask(null, 'viewer', '192.0.2.8'))).toBe('viewer');
    bench.nowMs += 100;
    expect(outcome(await bench.ask(one))).toBe('viewer');
  });

  it('wrong tokens of an address are slowed down; right ones are let in, also for the first time', async () => {
    const bench = new Bench();
    const wrong = (): string => makeToken().text;
    for (let i = 0; i < 10; i += 1) expect(outcome(await bench.ask(wrong()))).toBe('401 unknown');
    expect(await bench.ask(wrong())).toMatchObject({ status: 429, reason: 'guesses', retryAfter: 5 });
    expect(outcome(await bench.ask('malformed'))).toBe('429 guesses');
    expect(outcome(await bench.ask(bench.add('viewer')))).toBe('viewer');
    expect(outcome(await bench.ask(wrong(), 'viewer', '192.0.2.8'))).toBe('401 unknown');
    bench.nowMs += 5_000;
    expect(outcome(await bench.ask(wrong()))).toBe('401 unknown');
  });

  it('the database is asked for tokens that were not right yet as often as an address may ask', async () => {
    const bench = new Bench();
    const [known, unseen] = [bench.add('viewer'), bench.add('viewer')];
    await bench.ask(known);
    bench.lookUps = 0;
    // no tokens, so nothing is looked up
    for (let i = 0; i < 100; i += 1) await bench.ask('malformed');
    await Promise.all(Array.from({ length: 100 }, () => bench.ask(makeToken().text)));
    expect(bench.lookUps).toBe(20);
    expect(await bench.ask(unseen)).toMatchObject({ status: 429, reason: 'rate', retryAfter: 1 });
    expect(outcome(await bench.ask(known))).toBe('viewer');
    expect(outcome(await bench.ask(unseen, 'viewer', '192.0.2.8'))).toBe('viewer');
  });

  it('right tokens take nothing of that: any number of them may ask from one address', async () => {
    const bench = new Bench();
    for (let i = 0; i < 50; i += 1) expect(outcome(await bench.ask(bench.add('viewer')))).toBe('viewer');
  });

  it('a token that was revoked is looked up like a wrong one from then on', async () => {
    const bench = new Bench();
    const token = bench.add('viewer');
    await bench.ask(token);
    bench.revoke(token);
    for (let i = 0; i < 100; i += 1) await bench.ask(token);
    expect(bench.lookUps).toBeLessThan(25);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
    ['2001:DB8:0000:0001:2:3:4:5', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

it('tokens have 256 secret bits, and no two are the same', () => {
  const texts = Array.from({ length: 100 }, () => makeToken().text);
  expect(new Set(texts).size).toBe(100);
  for (const text of texts) {
    expect(text).toMatch(/^gsh_[0-9a-f]{12}_[\w-]{43}$/);
    expect(parseToken(text)?.sha256.length).toBe(32);
  }
});
