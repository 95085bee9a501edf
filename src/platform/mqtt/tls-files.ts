import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { GoshawkError } from '../../contract/errors.ts';
import { readTextFile } from './text-file.ts';

/** PEM files for the connection to the broker. */
export interface TlsFiles {
  /** trusted CAs; default: those of Node */
  readonly caFile?: string;
  /** this client's certificate, followed by its chain, and its key; both or none */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** More than any certificate chain, or a bundle of all public CAs. */
const MAX_BYTES = 4 * 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function refuse(name: string, value: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value, reason });
}

async function readCertificates(file: string): Promise<X509Certificate[]> {
  const blocks = (await readTextFile(file, MAX_BYTES)).match(CERTIFICATE) ?? [];
  if (blocks.length === 0)
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: 'it contains no PEM certificate' });
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: (error as Error).message });
  }
}

async function readKey(file: string): Promise<KeyObject> {
  const text = await readTextFile(file, MAX_BYTES);
  if (/ENCRYPTED/.test(text)) {
    const reason =
      'the key is encrypted, but there is nobody to enter the passphrase: use an unencrypted key';
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason });
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    const reason = `it contains no PEM private key (${(error as Error).message})`;
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason });
  }
}

/** Warnings about certificates that are not valid now. The clock may be wrong, so they are not refused. */
function outOfDate(file: string, certificates: readonly X509Certificate[], now: Date): string[] {
  return certificates.flatMap(({ subject, validFrom, validTo }) => {
    if (now >= new Date(validFrom) && now <= new Date(validTo)) return [];
    const name = subject.replaceAll('\n', ', ');
    return [
      `${file}: the certificate of ${name} is valid from ${validFrom} to ${validTo}, but the clock ` +
        `shows ${now.toISOString()}`,
    ];
  });
}

/**
 * Checks TLS files before connecting, so that a wrong path is reported at start and not as an unreachable broker.
 * @param url of the broker, checked already
 * @returns warnings
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID, GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID
 */
export async function checkTlsFiles(url: string, files: TlsFiles, now: Date): Promise<readonly string[]> {
  const { caFile, certFile, keyFile } = files;
  if (caFile === undefined && certFile === undefined && keyFile === undefined) return [];
  if (!/^(mqtts|wss):/i.test(url))
    throw refuse('telemetry', url, 'TLS files are set, but only mqtts and wss use TLS');
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const [name, value, other] =
      certFile === undefined
        ? ['telemetry_key_file', keyFile ?? '', 'telemetry_cert_file']
        : ['telemetry_cert_file', certFile, 'telemetry_key_file'];
    throw refuse(name, value, `${other} is missing: a client certificate and its key go together`);
  }
  const warnings: string[] = [];
  if (caFile !== undefined) warnings.push(...outOfDate(caFile, await readCertificates(caFile), now));
  if (certFile === undefined || keyFile === undefined) return warnings;
  const chain = await readCertificates(certFile);
  const key = await readKey(keyFile);
  if (chain[0]?.checkPrivateKey(key) !== true)
    throw refuse('telemetry_key_file', keyFile, `the key does not belong to the certificate in ${certFile}`);
  return [...warnings, ...outOfDate(certFile, chain, now)];
}
