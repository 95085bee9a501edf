import { levelsOf, type Speaker } from './speaker.ts';
import type { Stream } from './streams.ts';

/** Version of topics and payloads. It is part of every topic. */
export const TELEMETRY_VERSION = 'v1';

/** `fleet/v1/{site}/{robot}/{node}/{stream}` */
export function telemetryTopic(speaker: Speaker, stream: Stream): string {
  return ['fleet', TELEMETRY_VERSION, ...levelsOf(speaker), stream].join('/');
}

/** The same for a speaker whose levels came from a topic that was read, so they need no check. */
export function topicOfKnown({ site, robot, node }: Speaker, stream: Stream): string {
  return `fleet/${TELEMETRY_VERSION}/${site}/${robot}/${node}/${stream}`;
}

/** The topic filter of a stream of all speakers. */
export function topicFilter(stream: Stream): string {
  return `fleet/${TELEMETRY_VERSION}/+/+/+/${stream}`;
}

/**
 * The topic of a stream with the speaker's levels left open.
 * @public for docs/asyncapi.json
 */
export function topicPattern(stream: Stream): string {
  return `fleet/${TELEMETRY_VERSION}/{site}/{robot}/{node}/${stream}`;
}
