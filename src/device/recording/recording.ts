/** One topic of a recording. */
export interface RecordedTopic {
  readonly name: string;
  /** message type as it was recorded, such as `sensor_msgs/msg/Image` */
  readonly type: string;
  /** serialization of messages; ROS 2 writes `cdr` */
  readonly encoding: string;
  /** number of recorded messages */
  readonly count: number;
}

/** First and last log time of a topic, nanoseconds. */
export interface TimeSpan {
  readonly first: bigint;
  readonly last: bigint;
}

/** A recorded message, in memory that may be shared with others. */
export interface RecordedMessage {
  readonly data: Uint8Array;
  /** nanoseconds */
  readonly logTime: bigint;
}

/** A piece of the file that cannot be read, with an unknown number of messages. */
export interface RecordedDamage {
  readonly damage: string;
}

/** A recording that is open for reading, whatever its format. */
export interface Recording {
  /** sorted by name, with one entry for a topic recorded in several parts */
  readonly topics: readonly RecordedTopic[];
  /** notices about the recording for the user, such as that it is cut short */
  readonly notices: readonly string[];
  /** `undefined` for a topic without messages */
  span(topic: string): Promise<TimeSpan | undefined>;
  /**
   * Messages of a topic from the start of the recording, in the order of their log times if the format
   * preserves it.
   */
  messages(topic: string): AsyncGenerator<RecordedMessage | RecordedDamage, void, void>;
  close(): Promise<void>;
}

/** The time span covering both, for a topic in several parts. */
export function joinSpans(known: TimeSpan | undefined, { first, last }: TimeSpan): TimeSpan {
  if (known === undefined) return { first, last };
  return { first: first < known.first ? first : known.first, last: last > known.last ? last : known.last };
}

/** Merges the topics of the parts of a recording by name. */
export function mergeTopics(parts: readonly (readonly RecordedTopic[])[]): RecordedTopic[] {
  const merged = new Map<string, RecordedTopic>();
  for (const topic of parts.flat()) {
    const known = merged.get(topic.name);
    merged.set(topic.name, known === undefined ? topic : { ...known, count: known.count + topic.count });
  }
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
