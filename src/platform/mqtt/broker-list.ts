import { createHash } from 'node:crypto';
import { GoshawkError } from '../../contract/errors.ts';

/** More would only be a mistake: robots are spread over brokers by hash. */
const MAX_BROKERS = 32;

const SCHEMES: Readonly<Record<string, 'TLS' | 'plain'>> = {
  'mqtt:': 'plain',
  'ws:': 'plain',
  'mqtts:': 'TLS',
  'wss:': 'TLS',
};

/**
 * The addresses of a list, separated by commas or spaces. All have the same security: a failover must not turn TLS
 * into plain text.
 * @param name of the parameter or option that the list comes from
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID
 */
export function parseBrokers(text: string, name = 'telemetry'): readonly string[] {
  const urls = [...new Set(text.split(/[\s,]+/).filter((url) => url !== ''))];
  for (const url of urls) checkBrokerUrl(url, name);
  const secured = urls.filter((url) => securityOf(url) === 'TLS').length;
  if (urls.length === 0) throw refusal(name, '(empty)', 'it names no broker');
  if (urls.length > MAX_BROKERS)
    throw refusal(name, `${urls.length} brokers`, `a list has ${MAX_BROKERS} at most`);
  if (secured !== 0 && secured !== urls.length)
    throw refusal(
      name,
      urls.join(','),
      'some brokers use TLS and some do not; all of a list need the same security, since any of them may be used',
    );
  return urls;
}

/**
 * The brokers in the order in which a robot tries them. Every robot has its own order, always the same: the first
 * choices spread robots over the brokers, and those of a broker that is gone spread over all others.
 * @param name of the robot
 */
export function brokersFor(name: string, urls: readonly string[]): readonly string[] {
  const rank = (url: string): string => createHash('sha256').update(`${name}\n${url}`).digest('hex');
  return urls
    .map((url) => ({ url, rank: rank(url) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ url }) => url);
}

/** Refuses what is not a broker address, and addresses that contain a secret: they end up in logs and process lists. */
function checkBrokerUrl(url: string, name: string): void {
  const parsed = URL.parse(url);
  if (parsed === null) throw refusal(name, '(not shown)', 'it is not a URL');
  if (parsed.username !== '' || parsed.password !== '')
    throw refusal(
      name,
      `${parsed.protocol}//(not shown)@${parsed.host}`,
      'it contains a user or password; set GOSHAWK_MQTT_USERNAME and GOSHAWK_MQTT_PASSWORD_FILE in the environment',
    );
  if (securityOf(url) === undefined) throw refusal(name, url, 'the scheme is not mqtt, mqtts, ws or wss');
}

function securityOf(url: string): 'TLS' | 'plain' | undefined {
  return SCHEMES[new URL(url).protocol];
}

function refusal(name: string, value: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value, reason });
}
