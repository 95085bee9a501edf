import { isSilent } from '../../core/silence.ts';
import type { Endpoint } from '../graph.ts';
import type { Reliability } from '../qos.ts';

type EndpointKey = `${'qos' | 'type' | 'listener' | 'rival'} ${string}`;

/** Something about the topics around a node that somebody should know. */
export interface TopicFinding {
  readonly level: 'warn' | 'error';
  /**
   * what it is about; a finding of the same key replaces the one before, so what can be there twice names
   * itself in it
   */
  readonly key: 'silent' | 'clock' | EndpointKey;
  readonly message: string;
}

interface EndpointFinding extends TopicFinding {
  readonly key: EndpointKey;
}

/** What is known of one camera at one moment. */
export interface CameraView {
  readonly topic: string;
  /** message type that this node takes, such as `sensor_msgs/msg/Image` */
  readonly type: string;
  readonly reliability: Reliability;
  readonly publishers: readonly Endpoint[];
  /** seconds since the last message, or since the subscription was made where none came yet */
  readonly silentSeconds: number;
  readonly everReceived: boolean;
  /** other topics that carry images, for a hint */
  readonly otherTopics: readonly string[];
}

/**
 * Findings about the way in, by what a person should look at first. A camera that is heard gives none about
 * silence.
 */
export function inspectCamera(view: CameraView, silentAfterSeconds: number): TopicFinding[] {
  const sameType = view.publishers.filter((publisher) => publisher.type === view.type);
  const findings = distinct([...findWrongType(view), ...findQosMismatch(view, sameType)]);
  const silentMs = view.silentSeconds * 1000;
  if (!isSilent(silentMs, silentMs, silentAfterSeconds * 1000)) return findings;
  const since = `no frame on ${view.topic} for ${Math.floor(view.silentSeconds)} s`;
  return [
    ...findings,
    { level: 'error', key: 'silent', message: `${since}: ${whySilent(view, sameType, findings)}` },
  ];
}

function findWrongType(view: CameraView): EndpointFinding[] {
  const others = view.publishers.filter((publisher) => publisher.type !== view.type);
  return others.map(({ node, type }): EndpointFinding => {
    const remedy = type.endsWith('CompressedImage')
      ? 'set image_type:=compressed'
      : type.endsWith('/Image')
        ? 'set image_type:=raw'
        : 'give the name of an image topic in image_topics';
    const message =
      `${node} publishes ${view.topic} as ${type}, this node takes ${view.type}: they never ` +
      `match; ${remedy}`;
    return { level: 'error', key: `type ${node}`, message };
  });
}

function findQosMismatch(view: CameraView, publishers: readonly Endpoint[]): EndpointFinding[] {
  if (view.reliability !== 'reliable') return [];
  const bestEffort = publishers.filter((publisher) => publisher.reliability === 'best_effort');
  return bestEffort.map(({ node }): EndpointFinding => {
    const message =
      `QoS mismatch on ${view.topic}: ${node} offers best_effort, this node asks for reliable, ` +
      'so not one frame arrives; ' +
      'set reliability:=best_effort here, or make the camera publish reliable';
    return { level: 'error', key: `qos ${node}`, message };
  });
}

function whySilent(
  view: CameraView,
  publishers: readonly Endpoint[],
  findings: readonly TopicFinding[],
): string {
  if (findings.length > 0) return 'see the mismatch above';
  if (publishers.length > 0) {
    const nodes = publishers.map((publisher) => publisher.node).join(', ');
    return view.everReceived
      ? `${nodes} still publishes the topic and stopped sending; check the camera`
      : `${nodes} publishes the topic and has sent nothing that arrived; check the camera, and ` +
          'the DDS profile (goshawk doctor)';
  }
  const hint =
    view.otherTopics.length > 0 ? `; images are on ${view.otherTopics.slice(0, 5).join(', ')}` : '';
  return `nobody publishes it; start the camera, or check the name, ROS_DOMAIN_ID and namespace${hint}`;
}

/**
 * Findings about the way out: listeners that ask for more than a reliable, volatile publisher offers.
 *
 * @param topic of the results
 */
export function inspectListeners(
  topic: string,
  type: string,
  listeners: readonly Endpoint[],
): TopicFinding[] {
  const findings = listeners.flatMap((listener): EndpointFinding[] => {
    const wrong =
      listener.type !== type
        ? `wants ${listener.type}, this node publishes ${type}`
        : listener.durability === 'transient_local'
          ? 'asks for transient_local, this node offers volatile'
          : undefined;
    if (wrong === undefined) return [];
    const message = `${listener.node} listens on ${topic} and ${wrong}: it receives nothing; change the listener`;
    return [{ level: 'warn', key: `listener ${listener.node}`, message }];
  });
  return distinct(findings);
}

/**
 * A node may have several endpoints on a topic. What is wrong with two of them in the same way is said once; where it
 * differs, the second finding gets a key of its own, in an order that does not depend on that of the graph.
 */
function distinct(findings: readonly EndpointFinding[]): EndpointFinding[] {
  const keys = [...new Set(findings.map(({ key }) => key))];
  return keys.flatMap((key) => {
    const ofKey = new Map(findings.filter((one) => one.key === key).map((one) => [one.message, one]));
    const sorted = [...ofKey.values()].sort((a, b) => (a.message < b.message ? -1 : 1));
    return sorted.map((one, n): EndpointFinding =>
      n === 0 ? one : { ...one, key: `${key} ${String(n + 1)}` },
    );
  });
}

/**
 * Findings about results that come from more than one node: listeners get every frame twice, and cannot tell
 * which detector an object is from.
 *
 * @param topic of the results
 * @param own full name of this node, which is among the publishers once
 */
export function inspectRivals(topic: string, own: string, publishers: readonly Endpoint[]): TopicFinding[] {
  const names = publishers.map(({ node }) => node);
  const rivals = new Set(names.filter((name, i) => name !== own || names.indexOf(own) !== i));
  return [...rivals].map((rival): TopicFinding => {
    const who = rival === own ? `another node of this name (${rival})` : rival;
    const message =
      `${who} publishes ${topic} as well: listeners get results of both; end one, or remap its ` +
      'image topic';
    return { level: 'warn', key: `rival ${rival}`, message };
  });
}

/** What a message says apart from the seconds of a state that goes on. Other digits are part of names. */
function gistOf(message: string): string {
  return message.replaceAll(/\b\d+ s\b/g, '# s');
}

/**
 * Turns what is found again and again into words said once: when it appears, when its cause changes, and when
 * it is over.
 */
export class FindingLog {
  readonly #reported = new Map<string, string>();

  /** Brings a subject's findings up to date; `say` hears what is new, `over` what is gone. */
  update(
    subject: string,
    findings: readonly TopicFinding[],
    say: (finding: TopicFinding) => void,
    over: (message: string) => void,
  ): void {
    const present = new Set<string>();
    for (const finding of findings) {
      const key = `${subject} ${finding.key}`;
      present.add(key);
      const reported = this.#reported.get(key);
      if (reported === undefined || gistOf(reported) !== gistOf(finding.message)) say(finding);
      this.#reported.set(key, finding.message);
    }
    for (const [key, message] of this.#reported) {
      if (!key.startsWith(`${subject} `) || present.has(key)) continue;
      this.#reported.delete(key);
      over(message);
    }
  }
}
