import { describe, expect, it } from 'vitest';
import { troubleOf, troubleOfDisconnect } from '../../../src/platform/mqtt/link-trouble.ts';

const error = (message: string, code?: unknown) => Object.assign(new Error(message), { code });

describe('why a link is down', () => {
  it.each([
    [
      'nobody listens',
      error('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'),
      'GOSHAWK_BROKER_UNREACHABLE',
    ],
    ['no such name', error('getaddrinfo ENOTFOUND broker', 'ENOTFOUND'), 'GOSHAWK_BROKER_UNREACHABLE'],
    ['no answer in time', error('connack timeout'), 'GOSHAWK_BROKER_UNREACHABLE'],
    ['a password that is wrong', error('Connection refused: Not authorized', 135), 'GOSHAWK_BROKER_REFUSED'],
    [
      'an authority that is not trusted',
      error('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
      'GOSHAWK_BROKER_REFUSED',
    ],
    [
      'a certificate that is asked for',
      error('alert certificate required', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
      'GOSHAWK_BROKER_REFUSED',
    ],
  ])('%s', (_what, cause, code) => {
    expect(troubleOf(cause)).toMatchObject({
      code,
      reason: expect.stringContaining(cause.message) as string,
    });
  });

  it('is the code if several addresses of one name failed and there is no message', () => {
    expect(troubleOf(error('', 'ECONNREFUSED')).reason).toBe('ECONNREFUSED');
  });

  it.each([
    [0x8b, 'GOSHAWK_BROKER_UNREACHABLE'],
    [0x87, 'GOSHAWK_BROKER_REFUSED'],
  ])('is the reason of a DISCONNECT: %d', (reasonCode, code) => {
    expect(troubleOfDisconnect(reasonCode, 'words')).toMatchObject({
      code,
      reason: expect.stringContaining(`0x${reasonCode.toString(16)} (words)`) as string,
    });
  });
});
