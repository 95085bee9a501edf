import { McapIndexedReader } from '@mcap/core';
import { DECOMPRESSORS, loadDecompressors, McapWalk, topicsOf, type McapContents } from './mcap-walk.ts';
import { RecordingFile } from './recording-file.ts';
import type { RecordedDamage, RecordedMessage, RecordedTopic, Recording, TimeSpan } from './recording.ts';

/**
 * An MCAP file. If it has an index that covers its messages, only chunks with the topic are read. Files
 * without one (written without chunks, without a summary, or by a recorder that was killed) are read record
 * by record, and so is the rest of a file after damage that its index leads to.
 */
export class McapRecording implements Recording {
  readonly topics: readonly RecordedTopic[];
  readonly notices: readonly string[];
  readonly #file: RecordingFile;
  readonly #indexed: McapIndexedReader | undefined;
  readonly #contents: McapContents | undefined;

  /** @throws what the file system throws */
  static async open(path: string): Promise<McapRecording> {
    await loadDecompressors();
    const file = await RecordingFile.open(path);
    try {
      const indexed = await openIndexed(file);
      const contents = indexed === undefined ? await new McapWalk(file).survey() : undefined;
      return new McapRecording(file, await file.size(), indexed, contents);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private constructor(
    file: RecordingFile,
    size: bigint,
    indexed: McapIndexedReader | undefined,
    contents: McapContents | undefined,
  ) {
    this.#file = file;
    this.#indexed = indexed;
    this.#contents = contents;
    this.topics = contents?.topics ?? (indexed === undefined ? [] : indexedTopics(indexed));
    const cutAt = contents?.cutAt;
    this.notices =
      cutAt === undefined
        ? []
        : [
            `it is cut short or damaged from byte ${cutAt} of ${size} on (a recorder that was ` +
              'killed, a copy that did not finish): ' +
              'the intact part before that is played',
          ];
  }

  async span(topic: string): Promise<TimeSpan | undefined> {
    if (this.#contents !== undefined) return this.#contents.spans.get(topic);
    const first = await this.#oneLogTime(topic, false);
    const last = await this.#oneLogTime(topic, true);
    return first === undefined || last === undefined ? undefined : { first, last };
  }

  async *messages(topic: string): AsyncGenerator<RecordedMessage | RecordedDamage, void, void> {
    let played = 0;
    if (this.#indexed !== undefined) {
      try {
        for await (const { data, logTime } of this.#indexed.readMessages({
          topics: [topic],
          validateCrcs: true,
        })) {
          played += 1;
          yield { data, logTime };
        }
        return;
      } catch {
        // The walk below skips and reports damage.
      }
    }
    for await (const item of new McapWalk(this.#file).messages(topic)) {
      if ('damage' in item || played === 0) yield item;
      else played -= 1;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #oneLogTime(topic: string, reverse: boolean): Promise<bigint | undefined> {
    try {
      for await (const { logTime } of this.#indexed!.readMessages({ topics: [topic], reverse }))
        return logTime;
    } catch {
      return undefined;
    }
    return undefined;
  }
}

/** The indexed reader, if the index covers every message. */
async function openIndexed(file: RecordingFile): Promise<McapIndexedReader | undefined> {
  let reader: McapIndexedReader;
  try {
    reader = await McapIndexedReader.Initialize({
      readable: { size: () => file.size(), read: (offset, size) => file.read(offset, size) },
      decompressHandlers: DECOMPRESSORS,
    });
  } catch {
    return undefined;
  }
  const { statistics, chunkIndexes } = reader;
  if (statistics === undefined) return undefined;
  const indexed = new Set(chunkIndexes.flatMap((chunk) => [...chunk.messageIndexOffsets.keys()]));
  for (const [id, count] of statistics.channelMessageCounts) {
    if (count > 0n && !(indexed.has(id) && reader.channelsById.has(id))) return undefined;
  }
  return reader;
}

function indexedTopics({ channelsById, schemasById, statistics }: McapIndexedReader): RecordedTopic[] {
  return topicsOf(
    channelsById.values(),
    (schemaId) => schemasById.get(schemaId)?.name,
    (channelId) => statistics?.channelMessageCounts.get(channelId),
  );
}
