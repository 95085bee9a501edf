import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { McapWriter } from '@mcap/core';
import sqlite from 'node-sqlite3-wasm';

/** A message as a recorder gets it. */
export interface BagMessage {
  readonly topic: string;
  /** as `sensor_msgs/msg/Image` */
  readonly type: string;
  readonly data: Uint8Array;
  /** nanoseconds */
  readonly logTime: bigint;
}

/** Writes messages as the mcap storage of rosbag2 does, with a chunk for each of them. */
export async function writeMcap(path: string, messages: readonly BagMessage[]): Promise<void> {
  const file = await open(path, 'w');
  let position = 0n;
  const writable = {
    write: async (bytes: Uint8Array) => {
      await file.write(bytes);
      position += BigInt(bytes.length);
    },
    position: () => position,
  };
  const writer = new McapWriter({ writable, chunkSize: 1 });
  await writer.start({ profile: 'ros2', library: 'test' });
  const channels = new Map<string, number>();
  for (const [sequence, { topic, type, data, logTime }] of messages.entries()) {
    let channelId = channels.get(topic);
    if (channelId === undefined) {
      const schemaId = await writer.registerSchema({
        name: type,
        encoding: 'ros2msg',
        data: new Uint8Array(),
      });
      channelId = await writer.registerChannel({
        schemaId,
        topic,
        messageEncoding: 'cdr',
        metadata: new Map(),
      });
      channels.set(topic, channelId);
    }
    await writer.addMessage({ channelId, sequence, logTime, publishTime: logTime, data });
  }
  await writer.end();
  await file.close();
}

/** Writes messages as the sqlite3 storage of rosbag2 does. */
export function writeSqlite(path: string, messages: readonly BagMessage[]): void {
  const database = new sqlite.Database(path);
  database.exec(
    'CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, ' +
      'offered_qos_profiles TEXT);' +
      'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB);',
  );
  const topics = new Map(messages.map(({ topic, type }) => [topic, type]));
  for (const [name, type] of topics)
    database.run("INSERT INTO topics(name, type, serialization_format) VALUES(?, ?, 'cdr')", [name, type]);
  const names = [...topics.keys()];
  for (const { topic, logTime, data } of messages)
    database.run('INSERT INTO messages(topic_id, timestamp, data) VALUES(?, ?, ?)', [
      names.indexOf(topic) + 1,
      logTime,
      data,
    ]);
  database.close();
}

/** The `metadata.yaml` of a folder with these splits. */
export async function writeBagMetadata(folder: string, splits: readonly string[]): Promise<void> {
  const paths = splits.map((name) => `    - ${name}\n`).join('');
  const text = `rosbag2_bagfile_information:\n  version: 9\n  relative_file_paths:\n${paths}`;
  await writeFile(join(folder, 'metadata.yaml'), text);
}
