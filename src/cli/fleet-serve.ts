import { Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { DEFAULT_CLIP_BUDGET_BYTES, FleetService } from '../fleet/service/fleet-service.ts';
import { checkDatabaseUrl } from '../fleet/store/database-url.ts';
import { DEFAULT_RETENTION, type Retention } from '../fleet/store/retention.ts';
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
  readonly trustProxy: readonly string[];
  readonly mqttCaFile?: string;
  readonly mqttCertFile?: string;
  readonly mqttKeyFile?: string;
  readonly clips?: string;
  readonly clipsBudgetMb: number;
  readonly keepMessages: number;
  readonly keep5m: number;
  readonly keep1h: number;
  readonly seconds?: number;
  readonly insecureNoAuth?: true;
  readonly rateLimit: number;
  readonly earlyAcks?: true;
  readonly postgresEnv: readonly string[];
}

const MIB = 1024 ** 2;

function say(line: string): void {
  console.log(`fleet: ${line}`);
}

async function checkBrokers(urls: readonly string[], tls: TlsFiles): Promise<void> {
  for (const url of urls) for (const warning of await checkTlsFiles(url, tls, new Date())) say(warning);
}

/** What is longer is made from what is shorter, which therefore must not outlive it. */
function retentionOf({ keepMessages: messages, keep5m: fiveMinutes, keep1h: hours }: ServeFlags): Retention {
  const isAscending = messages <= fiveMinutes && fiveMinutes <= hours;
  if (isAscending) return { messages, fiveMinutes, hours };
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
    name: '--keep-messages, --keep-5m, --keep-1h',
    value: [messages, fiveMinutes, hours].join(', '),
    reason: 'each must be at least as long as the one before',
  });
}

async function serve(flags: ServeFlags): Promise<void> {
  const {
    database,
    folder,
    host,
    port,
    allowHost: allowedHosts,
    trustProxy: trustedProxies,
    seconds,
  } = flags;
  const { insecureNoAuth = false, rateLimit } = flags;
  const tls = given({
    caFile: flags.mqttCaFile,
    certFile: flags.mqttCertFile,
    keyFile: flags.mqttKeyFile,
  });
  const retention = retentionOf(flags);
  const mqtt = parseBrokers(flags.mqtt.join(','), '--mqtt');
  await checkBrokers(mqtt, tls);
  if (database !== undefined) checkDatabaseUrl(database);
  const secrets = await brokerSecrets(process.env);
  await untilStopped(null, async ({ signal, endAfter }) => {
    const service = await FleetService.start({
      ...secrets,
      ...tls,
      ...given({ database, clips: flags.clips }),
      clipBudgetBytes: flags.clipsBudgetMb * MIB,
      retention,
      areAcksEarly: flags.earlyAcks === true,
      postgresEnv: environmentOf(flags.postgresEnv),
      mqtt,
      folder,
      http: { host, port, allowedHosts, trustedProxies, isInsecure: insecureNoAuth, rateLimit },
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

/** Of `NAME=VALUE`. */
function environmentOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map((pair) => [pair.split('=', 1)[0] ?? '', pair.replace(/^[^=]*=/, '')]));
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
    .option('--host <address>', 'where to listen; others than the loopback address need a token', '127.0.0.1')
    .option('--allow-host <name>', 'a host name to answer to; may be given several times', repeated, [])
    .option(
      '--trust-proxy <address>',
      'of a proxy, or a network of them, whose X-Forwarded-For is believed; may be given several times',
      repeated,
      [],
    )
    .option('--rate-limit <n>', 'requests a second of each token or address', numberFrom(0.1, 1e6), 50)
    .option('--insecure-no-auth', 'let everybody who reaches the address read, without tokens')
    .option('--mqtt-ca-file <pem>', 'trusted authorities of the broker')
    .option('--mqtt-cert-file <pem>', 'certificate of this client')
    .option('--mqtt-key-file <pem>', 'key of that certificate')
    .option('--clips <dir>', 'folder for clips that operators fetch from robots')
    .option(
      '--clips-budget-mb <n>',
      'MiB that clips in that folder may take; the oldest make room for new ones',
      wholeFrom(1, 1e9),
      DEFAULT_CLIP_BUDGET_BYTES / MIB,
    )
    .option(
      '--keep-messages <days>',
      'how long messages are kept',
      wholeFrom(1, 36_500),
      DEFAULT_RETENTION.messages,
    )
    .option(
      '--keep-5m <days>',
      'how long rollups of 5 minutes are kept',
      wholeFrom(1, 36_500),
      DEFAULT_RETENTION.fiveMinutes,
    )
    .option(
      '--keep-1h <days>',
      'how long rollups of 1 hour are kept',
      wholeFrom(1, 36_500),
      DEFAULT_RETENTION.hours,
    )
    .option('--seconds <n>', 'end so many seconds after the start', numberFrom(0.1, 1e9))
    .addOption(
      new Option('--postgres-env <name=value>', 'of the embedded PostgreSQL, for checks that break it')
        .argParser(repeated)
        .default([])
        .hideHelp(),
    )
    .addOption(
      new Option('--early-acks', 'acknowledge before the commit, to see that holes are found').hideHelp(),
    )
    .action(serve);
}
