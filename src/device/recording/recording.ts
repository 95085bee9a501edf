/** One topic of a recording. */
export interface RecordedTopic {
  readonly name: string;
  /** message type as it was recorded, such as `sensor_msgs/msg/Image` */
  readonly type: string;
  /** how messages are serialized; `cdr` is what ROS 2 writes */
  readonly encoding: string;
  /** messages that were recorded */
  readonly count: number;
}

/** First and last log time of a topic, nanoseconds. */
export interface TimeSpan {
  readonly first: bigint;
  readonly last: bigint;
}

/** A message as it was recorded, in memory that may be shared with others. */
export interface RecordedMessage {
  readonly data: Uint8Array;
  /** nanoseconds */
  readonly logTime: bigint;
}

/** A piece of the file that cannot be read; how many messages were in it is not known. */
export interface RecordedDamage {
  readonly damage: string;
}

/** A recording that is open for reading, whatever its format. */
export interface Recording {
  /** by name; one entry for a topic that was recorded in several parts */
  readonly topics: readonly RecordedTopic[];
  /** what a person should know of the recording, such as that it is cut short */
  readonly notices: readonly string[];
  /** `undefined` for a topic without messages */
  span(topic: string): Promise<TimeSpan | undefined>;
  /**
   * Messages of a topic from the start of the recording, in the order of their log times as far as the format
   * keeps it.
   */
  messages(topic: string): AsyncGenerator<RecordedMessage | RecordedDamage, void, void>;
  close(): Promise<void>;
}

/** From the first to the last of both; a topic may lie in several parts. */
export function joinSpans(known: TimeSpan | undefined, { first, last }: TimeSpan): TimeSpan {
  if (known === undefined) return { first, last };
  return { first: first < known.first ? first : known.first, last: last > known.last ? last : known.last };
}

/** Adds the topics of another part of a recording to those that are known, by name. */
export function mergeTopics(parts: readonly (readonly RecordedTopic[])[]): RecordedTopic[] {
  const merged = new Map<string, RecordedTopic>();
  for (const topic of parts.flat()) {
    const known = merged.get(topic.name);
    merged.set(topic.name, known === undefined ? topic : { ...known, count: known.count + topic.count });
  }
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
