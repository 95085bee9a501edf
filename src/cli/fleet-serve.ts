import { Option, type Command } from 'commander';
import { FleetService } from '../fleet/service/fleet-service.ts';
import { checkDatabaseUrl } from '../fleet/store/database-url.ts';
import { brokerSecrets } from '../platform/mqtt/broker-secrets.ts';
import { parseBrokers } from '../platform/mqtt/broker-list.ts';
import { checkTlsFiles, type TlsFiles } from '../platform/mqtt/tls-files.ts';
import { given } from './kit/given.ts';
import { numberFrom, repeated, wholeFrom } from './kit/options.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface ServeFlags {
  readonly mqtt: readonly string[];
  readonly database?: string;
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly allowHost: readonly string[];
  readonly mqttCaFile?: string;
  readonly mqttCertFile?: string;
  readonly mqttKeyFile?: string;
  readonly seconds?: number;
  readonly earlyAcks?: true;
}

function say(line: string): void {
  console.log(`fleet: ${line}`);
}

async function checkBrokers(urls: readonly string[], tls: TlsFiles): Promise<void> {
  for (const url of urls) for (const warning of await checkTlsFiles(url, tls, new Date())) say(warning);
}

async function serve(flags: ServeFlags): Promise<void> {
  const { database, folder, host, port, allowHost, seconds } = flags;
  const tls = given({
    caFile: flags.mqttCaFile,
    certFile: flags.mqttCertFile,
    keyFile: flags.mqttKeyFile,
  });
  const mqtt = parseBrokers(flags.mqtt.join(','), '--mqtt');
  await checkBrokers(mqtt, tls);
  if (database !== undefined) checkDatabaseUrl(database);
  const secrets = await brokerSecrets(process.env);
  await untilStopped(null, async ({ signal, endAfter }) => {
    const service = await FleetService.start({
      ...secrets,
      ...tls,
      ...given({ database }),
      areAcksEarly: flags.earlyAcks === true,
      mqtt,
      folder,
      http: { host, port, allowedHosts: allowHost },
      say,
      signal,
    });
    say(`ready: ${service.url}/`);
    endAfter(seconds);
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    say('ending');
    await service.stop();
  });
}

/** Adds `goshawk fleet serve`. */
export function registerFleetServe(fleet: Command, defaultFolder: string): void {
  fleet
    .command('serve')
    .description('receive what robots send, store it, and acknowledge it; ends with Ctrl-C')
    .requiredOption('--mqtt <url>', 'broker; may be given several times', repeated)
    .option('--database <url>', 'a PostgreSQL of your own; without it an embedded one is started')
    .option('--folder <dir>', 'of the embedded PostgreSQL', defaultFolder)
    .option('--port <n>', 'of the page, the API and /metrics; 0 takes a free one', wholeFrom(0, 65_535), 8090)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--allow-host <name>', 'a host name to answer to; may be given several times', repeated, [])
    .option('--mqtt-ca-file <pem>', 'trusted authorities of the broker')
    .option('--mqtt-cert-file <pem>', 'certificate of this client')
    .option('--mqtt-key-file <pem>', 'key of that certificate')
    .option('--seconds <n>', 'end so many seconds after the start', numberFrom(0.1, 1e9))
    .addOption(
      new Option('--early-acks', 'acknowledge before the commit, to see that holes are found').hideHelp(),
    )
    .action(serve);
}
