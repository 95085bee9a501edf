import { DURABILITY, RELIABILITY, type Durability, type Reliability } from './qos.ts';
import type { RosNode } from './rcl.ts';

/** A publisher or subscription in the ROS graph. */
export interface Endpoint {
  /** full name of its node */
  readonly node: string;
  readonly type: string;
  readonly reliability: Reliability | 'unknown';
  readonly durability: Durability | 'unknown';
}

/** What rclnodejs returns for an endpoint. */
interface EndpointInfo {
  readonly node_name: string;
  readonly node_namespace: string;
  readonly topic_type: string;
  readonly qos_profile: { readonly reliability: number; readonly durability: number };
}

/** Publishers of a topic. `topic` is a full name, after remapping. */
export function publishersOf(node: RosNode, topic: string): Endpoint[] {
  return (node.getPublishersInfoByTopic(topic, false) as EndpointInfo[]).map(toEndpoint);
}

/** Subscriptions of a topic. */
export function subscriptionsOf(node: RosNode, topic: string): Endpoint[] {
  return (node.getSubscriptionsInfoByTopic(topic, false) as EndpointInfo[]).map(toEndpoint);
}

/** Topics on which messages of a type are published or subscribed to. */
export function topicsOfType(node: RosNode, type: string): string[] {
  return node
    .getTopicNamesAndTypes()
    .filter((topic) => topic.types.includes(type))
    .map((topic) => topic.name);
}

function toEndpoint(info: EndpointInfo): Endpoint {
  const { reliability, durability } = info.qos_profile;
  return {
    node: `${info.node_namespace.replace(/\/$/, '')}/${info.node_name}`,
    type: info.topic_type,
    reliability: nameOf(RELIABILITY, reliability),
    durability: nameOf(DURABILITY, durability),
  };
}

function nameOf<Name extends string>(names: Readonly<Record<Name, number>>, value: number): Name | 'unknown' {
  const found = (Object.keys(names) as Name[]).find((name) => names[name] === value);
  return found ?? 'unknown';
}
