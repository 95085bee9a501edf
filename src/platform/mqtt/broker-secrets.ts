import { readTextFile } from './text-file.ts';

const LONGEST_PASSWORD = 65_536;

export interface BrokerSecrets {
  readonly username?: string;
  readonly password?: string;
}

/**
 * User and password from the environment: `GOSHAWK_MQTT_USERNAME` and `GOSHAWK_MQTT_PASSWORD` or
 * `.._PASSWORD_FILE`.
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE
 */
export async function brokerSecrets(
  env: Readonly<Record<string, string | undefined>>,
): Promise<BrokerSecrets> {
  const username = env['GOSHAWK_MQTT_USERNAME'];
  const file = env['GOSHAWK_MQTT_PASSWORD_FILE'];
  const password = file === undefined ? env['GOSHAWK_MQTT_PASSWORD'] : await readSecret(file);
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
}

async function readSecret(file: string): Promise<string> {
  const text = await readTextFile(file, LONGEST_PASSWORD);
  return text.replace(/\r?\n$/, '');
}
