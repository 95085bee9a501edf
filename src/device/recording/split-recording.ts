import {
  joinSpans,
  mergeTopics,
  type RecordedDamage,
  type RecordedMessage,
  type RecordedTopic,
  type Recording,
  type TimeSpan,
} from './recording.ts';

/** A recording in several files, played in order. */
export class SplitRecording implements Recording {
  readonly topics: readonly RecordedTopic[];
  readonly notices: readonly string[];
  readonly #parts: readonly Recording[];

  /** @param parts in the order in which they were recorded, at least one */
  constructor(parts: readonly Recording[], notices: readonly string[]) {
    this.#parts = parts;
    this.topics = mergeTopics(parts.map((part) => part.topics));
    this.notices = notices;
  }

  async span(topic: string): Promise<TimeSpan | undefined> {
    let whole: TimeSpan | undefined;
    for (const part of this.#parts) {
      const span = await part.span(topic);
      if (span !== undefined) whole = joinSpans(whole, span);
    }
    return whole;
  }

  async *messages(topic: string): AsyncGenerator<RecordedMessage | RecordedDamage, void, void> {
    for (const part of this.#parts) {
      if (part.topics.some(({ name }) => name === topic)) yield* part.messages(topic);
    }
  }

  async close(): Promise<void> {
    for (const part of this.#parts) await part.close();
  }
}
