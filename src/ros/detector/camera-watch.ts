import { isSilent } from '../../core/silence.ts';
import type { Endpoint } from '../graph.ts';
import type { Reliability } from '../qos.ts';

type EndpointKey = `${'qos' | 'type' | 'listener' | 'rival'} ${string}`;

/** A problem with the topics around a node. */
export interface TopicFinding {
  readonly level: 'warn' | 'error';
  /**
   * the subject; a finding replaces the previous one with the same key, so a key that can occur several times includes
   * a name
   */
  readonly key: 'silent' | 'clock' | EndpointKey;
  readonly message: string;
}

interface EndpointFinding extends TopicFinding {
  readonly key: EndpointKey;
}

/** What is known about one camera at one moment. */
export interface CameraView {
  readonly topic: string;
  /** message type that this node takes, such as `sensor_msgs/msg/Image` */
  readonly type: string;
  readonly reliability: Reliability;
  readonly publishers: readonly Endpoint[];
  /** seconds since the last message, or since the subscription was created if there was none */
  readonly silentSeconds: number;
  readonly everReceived: boolean;
  /** other topics that carry images, for a hint */
  readonly otherTopics: readonly string[];
}

/** Findings about the camera's topic, most important first. A camera that sends frames has no finding of silence. */
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
        : 'put the name of an image topic into image_topics';
    const message =
      `${node} publishes ${view.topic} as ${type}, this node expects ${view.type}: they never ` +
      `match; ${remedy}`;
    return { level: 'error', key: `type ${node}`, message };
  });
}

function findQosMismatch(view: CameraView, publishers: readonly Endpoint[]): EndpointFinding[] {
  if (view.reliability !== 'reliable') return [];
  const bestEffort = publishers.filter((publisher) => publisher.reliability === 'best_effort');
  return bestEffort.map(({ node }): EndpointFinding => {
    const message =
      `QoS mismatch on ${view.topic}: ${node} offers best_effort, this node requests reliable, ` +
      'so no frame arrives; ' +
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
      ? `${nodes} still publishes the topic but stopped sending; check the camera`
      : `${nodes} publishes the topic but nothing has arrived; check the camera, and ` +
          'the DDS profile (goshawk doctor)';
  }
  const hint =
    view.otherTopics.length > 0 ? `; images are on ${view.otherTopics.slice(0, 5).join(', ')}` : '';
  return `nobody publishes it; start the camera, or check the name, ROS_DOMAIN_ID and namespace${hint}`;
}

/**
 * Findings about the results: subscribers that request more than a reliable, volatile publisher offers.
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
        ? `expects ${listener.type}, this node publishes ${type}`
        : listener.durability === 'transient_local'
          ? 'requests transient_local, this node offers volatile'
          : undefined;
    if (wrong === undefined) return [];
    const message = `${listener.node} subscribes to ${topic} and ${wrong}: it receives nothing; change the subscriber`;
    return [{ level: 'warn', key: `listener ${listener.node}`, message }];
  });
  return distinct(findings);
}

/**
 * A node may have several endpoints on a topic. The same problem with two of them is reported once; for different
 * problems, the second finding gets a separate key, in an order that does not depend on that of the graph.
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
 * Findings about results that are published by several nodes: subscribers get every frame twice and cannot tell which
 * detector an object is from.
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
      `${who} also publishes ${topic}: subscribers get results of both; stop one, or remap its ` +
      'image topic';
    return { level: 'warn', key: `rival ${rival}`, message };
  });
}

/** A message without the number of seconds in it, which keeps changing. Other digits are part of names. */
function gistOf(message: string): string {
  return message.replaceAll(/\b\d+ s\b/g, '# s');
}

/**
 * Logs findings that are found again and again only when they appear, when their cause changes, and when they are
 * resolved.
 */
export class FindingLog {
  readonly #reported = new Map<string, string>();

  /** Updates a subject's findings; `say` gets what is new, `over` what is resolved. */
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
