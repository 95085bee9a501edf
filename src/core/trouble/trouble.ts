/** What is wrong with a robot, the worst first. */
export const TROUBLE_KINDS = [
  'silent',
  'disconnected',
  'blind',
  'camera_silent',
  'hot',
  'dropping',
  'late',
  'holes',
  'quarantine',
  'left',
  'hibernating',
] as const;

export type TroubleKind = (typeof TROUBLE_KINDS)[number];

/** `bad`: it does not see, or nobody knows whether it does; `warn`: it sees badly; `note`: somebody wants it so. */
export type Severity = 'bad' | 'warn' | 'note';

export interface Trouble {
  readonly kind: TroubleKind;
  readonly severity: Severity;
  /** for people */
  readonly text: string;
}

/** What is known of a robot. */
export interface Condition {
  /** of its best connected detector; null if it never said */
  readonly connection: 'ONLINE' | 'OFFLINE' | 'HIBERNATING' | 'CONNECTION_BROKEN' | null;
  readonly isSilent: boolean;
  /** since anything of it came; null if nothing ever did */
  readonly messageAgeSeconds: number | null;
  /** cameras of its last state; null seconds: no frame since the model was loaded */
  readonly cameras: readonly { readonly camera: string; readonly silentSeconds: number | null }[];
  /** of the last minute; null without windows in it */
  readonly frames: {
    readonly received: number;
    readonly published: number;
    readonly drops: Readonly<Record<string, number>>;
    /** between two frames of a camera */
    readonly periodMs: number | null;
    readonly p99Ms: number | null;
  } | null;
  /** of the hottest sensor */
  readonly temperatureCelsius: number | null;
  /** messages that the fleet refused and keeps whole */
  readonly quarantined: number;
  /** numbers of messages that are neither here nor declared lost */
  readonly holes: number;
}

const CAMERA_SILENT_SECONDS = 10;
/** Of fewer frames nothing is said. */
const MIN_FRAMES = 20;
const DROPPING = { warn: 0.1, bad: 0.5 };
/** A result is late after so many periods of its camera, but never before so many ms. */
const LATE_PERIODS = 3;
const LATE_MS = 100;
/** Most boards slow down from about 85 °C on. */
const HOT = { warn: 80, bad: 90 };

/**
 * What is wrong with a robot, the worst first. Of a robot that is not there, nothing is said that it would have to be
 * there for.
 */
export function troublesOf(condition: Condition): readonly Trouble[] {
  const away = awayOf(condition);
  const all = away === null ? sightOf(condition) : [away];
  all.push(...ledgerTroubles(condition));
  return all.sort((one, other) => rankOf(one) - rankOf(other));
}

/** How bad it is, to order robots: less is worse; Infinity if nothing is. */
export function rankOf(trouble: Trouble | undefined): number {
  if (trouble === undefined) return Infinity;
  const severity = ['bad', 'warn', 'note'].indexOf(trouble.severity);
  return severity * TROUBLE_KINDS.length + TROUBLE_KINDS.indexOf(trouble.kind);
}

function awayOf({ connection, isSilent, messageAgeSeconds }: Condition): Trouble | null {
  const since =
    messageAgeSeconds === null ? 'nothing ever received' : `last message ${ageText(messageAgeSeconds)} ago`;
  if (connection === 'OFFLINE') return { kind: 'left', severity: 'note', text: `shut down; ${since}` };
  if (connection === 'CONNECTION_BROKEN')
    return { kind: 'disconnected', severity: 'bad', text: `connection broke; ${since}` };
  if (connection === 'HIBERNATING')
    return { kind: 'hibernating', severity: 'note', text: 'takes no frames, by intention' };
  return isSilent ? { kind: 'silent', severity: 'bad', text: since } : null;
}

function sightOf(condition: Condition): Trouble[] {
  const { frames, temperatureCelsius } = condition;
  return [
    ...condition.cameras.flatMap(cameraTrouble),
    ...(frames === null ? [] : [dropTrouble(frames), lateTrouble(frames)]),
    hotTrouble(temperatureCelsius),
  ].filter((one) => one !== null);
}

function cameraTrouble({ camera, silentSeconds }: Condition['cameras'][number]): Trouble[] {
  if (silentSeconds !== null && silentSeconds < CAMERA_SILENT_SECONDS) return [];
  const since = silentSeconds === null ? 'no frame yet' : `no frame for ${ageText(silentSeconds)}`;
  return [{ kind: 'camera_silent', severity: 'bad', text: `camera ${camera}: ${since}` }];
}

function dropTrouble({ received, published, drops }: NonNullable<Condition['frames']>): Trouble | null {
  const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
  const share = dropped / Math.max(1, received);
  if (received < MIN_FRAMES || share < DROPPING.warn) return null;
  const [reason = ''] = Object.entries(drops).sort(([, one], [, other]) => other - one)[0] ?? [];
  if (published === 0) return { kind: 'blind', severity: 'bad', text: `drops every frame: ${reason}` };
  const severity = share >= DROPPING.bad ? 'bad' : 'warn';
  const text = `drops ${Math.round(100 * Math.min(1, share))} % of frames, most as ${reason}`;
  return { kind: 'dropping', severity, text };
}

function lateTrouble({ periodMs, p99Ms }: NonNullable<Condition['frames']>): Trouble | null {
  if (p99Ms === null || periodMs === null || p99Ms <= Math.max(LATE_MS, LATE_PERIODS * periodMs)) return null;
  const text = `p99 of latency ${Math.round(p99Ms)} ms, with a frame every ${Math.round(periodMs)} ms`;
  return { kind: 'late', severity: 'warn', text };
}

function hotTrouble(celsius: number | null): Trouble | null {
  if (celsius === null || celsius < HOT.warn) return null;
  const severity = celsius >= HOT.bad ? 'bad' : 'warn';
  return { kind: 'hot', severity, text: `hottest sensor at ${Math.round(celsius)} °C` };
}

function ledgerTroubles({ holes, quarantined }: Condition): Trouble[] {
  const count = (messages: number): string => `${messages} message${messages === 1 ? '' : 's'}`;
  const all: Trouble[] = [
    { kind: 'holes', severity: 'warn', text: `${count(holes)} neither stored nor declared lost` },
    { kind: 'quarantine', severity: 'warn', text: `${count(quarantined)} in quarantine` },
  ];
  return all.filter(({ kind }) => (kind === 'holes' ? holes : quarantined) > 0);
}

function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
