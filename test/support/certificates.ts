import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A certificate with its key, both PEM. */
export interface Certified {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly keyObject: KeyObject;
}

const VALID_MS = 86_400_000;
let serial = 0;

function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const size: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const length = body.length < 128 ? [body.length] : [0x80 | size.length, ...size];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
const whole = (value: number): Buffer => tlv(0x02, Buffer.from([value]));
const text = (tag: number, value: string): Buffer => tlv(tag, Buffer.from(value));
const time = (at: number): Buffer =>
  text(0x18, `${new Date(at).toISOString().replace(/\D/g, '').slice(0, 14)}Z`);

function objectId(id: string): Buffer {
  const [first = 0, second = 0, ...rest] = id.split('.').map(Number);
  const bytes = rest.flatMap((value) => {
    const groups = [value & 127];
    for (let high = value >> 7; high > 0; high >>= 7) groups.unshift((high & 127) | 128);
    return groups;
  });
  return tlv(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

const named = (name: string): Buffer => sequence(tlv(0x31, sequence(objectId('2.5.4.3'), text(0x0c, name))));

function extensions(isAuthority: boolean): Buffer {
  const critical = tlv(0x01, Buffer.from([255]));
  const basic = sequence(
    objectId('2.5.29.19'),
    critical,
    tlv(0x04, sequence(...(isAuthority ? [critical] : []))),
  );
  const loopback = tlv(0x87, Buffer.from([127, 0, 0, 1]));
  const names = sequence(objectId('2.5.29.17'), tlv(0x04, sequence(loopback, text(0x82, 'localhost'))));
  return tlv(0xa3, sequence(basic, names));
}

/**
 * A certificate for the loopback address, made here so that tests need no openssl.
 * @param issuer signs it; without one it is a self-signed CA
 * @param from start of its validity, milliseconds since 1970; valid for a day
 */
export function certify(name: string, issuer?: Certified, from = Date.now() - VALID_MS / 2): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(objectId('1.2.840.10045.4.3.2'));
  serial += 1;
  const body = sequence(
    tlv(0xa0, whole(2)),
    whole(serial),
    algorithm,
    named(issuer?.name ?? name),
    sequence(time(from), time(from + VALID_MS)),
    named(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(issuer === undefined),
  );
  const signature = sign('sha256', body, issuer?.keyObject ?? privateKey);
  const der = sequence(body, algorithm, tlv(0x03, Buffer.from([0]), signature));
  const lines =
    der
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? '';
  return {
    name,
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyObject: privateKey,
  };
}
