import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { brokerSecrets } from '../../../src/platform/mqtt/broker-secrets.ts';
import { checkTlsFiles, type TlsFiles } from '../../../src/platform/mqtt/tls-files.ts';
import { certify } from '../../support/certificates.ts';

const URL = 'mqtts://broker:8883';
const folder = mkdtempSync(join(tmpdir(), 'goshawk-tls-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const authority = certify('authority');
const client = certify('robot', authority);
const encrypted = createPrivateKey(client.key).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
});
const caFile = file('ca.pem', authority.certificate);
const certFile = file('client.pem', `${client.certificate}${authority.certificate}`);
const keyFile = file('client.key', client.key);
const otherKey = file('other.key', certify('other', authority).key);
const encryptedKey = file('encrypted.key', encrypted.toString());
const empty = file('empty.pem', '');
const broken = file('broken.pem', authority.certificate.replace(/MII/, 'AAA'));
const pipe = join(folder, 'pipe');
spawnSync('mkfifo', [pipe]);

const check = (files: TlsFiles, url = URL, now = new Date()) => checkTlsFiles(url, files, now);

describe('TLS files', () => {
  it.each<TlsFiles>([{}, { caFile }, { certFile, keyFile }, { caFile, certFile, keyFile }])(
    'that match are accepted: %j',
    async (files) => {
      expect(await check(files)).toEqual([]);
    },
  );

  it.each<[TlsFiles, string, RegExp]>([
    [{ certFile }, 'GOSHAWK_PARAMETER_INVALID', /telemetry_key_file is missing/],
    [{ keyFile }, 'GOSHAWK_PARAMETER_INVALID', /telemetry_cert_file is missing/],
    [
      { certFile, keyFile: otherKey },
      'GOSHAWK_PARAMETER_INVALID',
      /other\.key.*does not belong to.*client\.pem/,
    ],
    [{ certFile, keyFile: encryptedKey }, 'GOSHAWK_FILE_INVALID', /encrypted\.key.*passphrase/],
    [{ certFile, keyFile: caFile }, 'GOSHAWK_FILE_INVALID', /ca\.pem.*no PEM private key/],
    [{ caFile: keyFile }, 'GOSHAWK_FILE_INVALID', /client\.key.*no PEM certificate/],
    [{ caFile: empty }, 'GOSHAWK_FILE_INVALID', /empty\.pem.*no PEM certificate/],
    [{ caFile: broken }, 'GOSHAWK_FILE_INVALID', /broken\.pem/],
    [{ caFile: join(folder, 'none.pem') }, 'GOSHAWK_FILE_UNREADABLE', /none\.pem/],
    [{ caFile: folder }, 'GOSHAWK_FILE_UNREADABLE', /goshawk-tls-/],
    [{ caFile: pipe }, 'GOSHAWK_FILE_UNREADABLE', /not a regular file/],
  ])('%j are refused as %s', async (files, code, message) => {
    await expect(check(files)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  it('are refused if the scheme does not use TLS', async () => {
    await expect(check({ caFile }, 'mqtt://broker')).rejects.toMatchObject({
      code: 'GOSHAWK_PARAMETER_INVALID',
      message: expect.stringContaining('mqtts') as string,
    });
  });

  it('that are out of date by the local clock are reported and accepted: the clock may be wrong', async () => {
    const later = new Date(Date.now() + 30 * 86_400_000);
    const warnings = await check({ caFile, certFile, keyFile }, URL, later);
    expect(warnings).toEqual([
      expect.stringMatching(/ca\.pem: the certificate of CN=authority is valid from/),
      expect.stringMatching(/client\.pem: the certificate of CN=robot is valid from/),
      expect.stringMatching(/client\.pem: the certificate of CN=authority is valid from/),
    ]);
  });
});

describe('user and password', () => {
  it('come from the environment, the password from a file if one is named', async () => {
    const GOSHAWK_MQTT_PASSWORD_FILE = file('password', 'from a file\n');
    const env = { GOSHAWK_MQTT_USERNAME: 'robot', GOSHAWK_MQTT_PASSWORD: 'plain' };
    expect(await brokerSecrets({})).toEqual({});
    expect(await brokerSecrets(env)).toEqual({ username: 'robot', password: 'plain' });
    expect(await brokerSecrets({ ...env, GOSHAWK_MQTT_PASSWORD_FILE })).toEqual({
      username: 'robot',
      password: 'from a file',
    });
  });

  it.each(['none', 'pipe'])('are refused if the file cannot be read: %s', async (name) => {
    await expect(brokerSecrets({ GOSHAWK_MQTT_PASSWORD_FILE: join(folder, name) })).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
    });
  });
});
