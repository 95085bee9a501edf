import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compress, isLoaded } from '@foxglove/wasm-zstd';
import sqlite from 'node-sqlite3-wasm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openRecording } from '../../../src/device/recording/open-recording.ts';
import { imageMessage, logTimeOf, writeRecording, type TopicPlan } from '../camera/recording.ts';
import { describeWith, FOREIGN_FILES, SHARED } from '../../support/needs.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'goshawk-test-'));
  await isLoaded;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

const FRONT: TopicPlan = { topic: '/front/image_raw', frames: 6, periodMs: 20 };

/** opcode, length, channel, sequence and two times before a message's data */
const MESSAGE_RECORD_HEAD = 31;

interface Played {
  readonly times: bigint[];
  readonly pixels: (number | undefined)[];
  readonly damage: string[];
  readonly notices: readonly string[];
  readonly count: number | undefined;
}

/** Everything on one topic of a recording. */
async function play(path: string, topic = FRONT.topic): Promise<Played> {
  const recording = await openRecording(path);
  const played = { times: [] as bigint[], pixels: [] as (number | undefined)[], damage: [] as string[] };
  for await (const item of recording.messages(topic)) {
    if ('damage' in item) {
      played.damage.push(item.damage);
      continue;
    }
    played.times.push(item.logTime);
    played.pixels.push(item.data.at(-1));
  }
  const count = recording.topics.find(({ name }) => name === topic)?.count;
  await recording.close();
  return { ...played, notices: recording.notices, count };
}

const EXPECTED = {
  pixels: [10, 11, 12, 13, 14, 15],
  times: [0, 1, 2, 3, 4, 5].map((i) => logTimeOf(FRONT, i)),
  damage: [],
};

/**
 * A rosbag2 database with the messages of a topic from `first` on, split over a number of rows in its table of topics.
 */
function writeDatabase(path: string, plan: TopicPlan, first = 0, rows = 1): void {
  const database = new sqlite.Database(path);
  database.exec(
    'CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format ' +
      'TEXT, offered_qos_profiles TEXT);' +
      'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB);' +
      Array.from(
        { length: rows },
        (_, i) => `INSERT INTO topics VALUES(${i + 1}, '${plan.topic}', 'sensor_msgs/msg/Image', 'cdr', '');`,
      ).join(''),
  );
  for (let i = first; i < first + plan.frames; i += 1) {
    const row = 1 + Math.floor(((i - first) * rows) / plan.frames);
    const values = [row, logTimeOf(plan, i), imageMessage(plan, i)];
    database.run('INSERT INTO messages(topic_id, timestamp, data) VALUES(?, ?, ?)', values);
  }
  database.close();
}

describe('an MCAP file', () => {
  it.each([
    ['with an index', {}],
    ['without chunks', { useChunks: false }],
    ['without a summary', { useStatistics: false, useSummaryOffsets: false, useChunkIndex: false }],
    ['without statistics', { useStatistics: false }],
    ['without an index of its chunks', { useChunkIndex: false }],
    ['without an index of its messages', { useMessageIndex: false }],
    ['without channels in its summary', { repeatChannels: false, repeatSchemas: false }],
  ])('%s is played completely', async (_, options) => {
    for (const compression of ['none', 'zstd', 'lz4'] as const) {
      const file = join(root, `${compression}.mcap`);
      await writeRecording(file, { topics: [FRONT], compression, options: { chunkSize: 100, ...options } });
      expect(await play(file)).toMatchObject({ ...EXPECTED, notices: [], count: 6 });
    }
  });

  it.each([
    ['in the middle of a chunk', 0.6],
    ['in its summary', 0.97],
  ])('that is truncated %s yields its complete chunks with a notice', async (_, share) => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { topics: [FRONT], options: { chunkSize: 100 } });
    const bytes = await readFile(file);
    await truncate(file, Math.floor(bytes.length * share));
    const { pixels, notices, count } = await play(file);
    expect(count).toBe(pixels.length);
    expect(pixels.length).toBeGreaterThan(0);
    expect(pixels).toEqual(EXPECTED.pixels.slice(0, pixels.length));
    if (share > 0.9) expect(pixels).toEqual(EXPECTED.pixels);
    else expect(notices).toEqual([expect.stringContaining('it is cut short')]);
  });

  it('that ends in zeros, as after a power cut, yields everything before them', async () => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { topics: [FRONT], options: { useChunks: false } });
    const bytes = await readFile(file);
    const last = bytes.lastIndexOf(Buffer.from(imageMessage(FRONT, 4))) - MESSAGE_RECORD_HEAD;
    await writeFile(file, Buffer.concat([bytes.subarray(0, last), Buffer.alloc(100_000)]));
    const { pixels, notices } = await play(file);
    expect(pixels).toEqual([10, 11, 12, 13]);
    expect(notices).toHaveLength(1);
  });

  it.each([{}, { useChunkIndex: false }])(
    'with a damaged chunk yields the others and reports it (%o)',
    async (options) => {
      const file = join(root, 'run.mcap');
      await writeRecording(file, { topics: [FRONT], options: { chunkSize: 100, ...options } });
      const bytes = await readFile(file);
      bytes.fill(
        99,
        bytes.indexOf(Buffer.from([12, 12, 12, 12, 12])),
        bytes.indexOf(Buffer.from([12, 12, 12, 12, 12])) + 3,
      );
      await writeFile(file, bytes);
      const { pixels, damage } = await play(file);
      expect(damage).toEqual([expect.stringMatching(/^the chunk at byte \d+: its checksum is wrong/)]);
      expect(pixels).not.toContain(12);
      expect(pixels).toEqual(expect.arrayContaining([10, 15]));
      expect(new Set(pixels).size).toBe(pixels.length);
    },
  );

  it('merges a topic that was recorded on two channels', async () => {
    const file = join(root, 'run.mcap');
    const later = { ...FRONT, startMs: 1000, encoding: 'mono8' as const };
    await writeRecording(file, { topics: [FRONT, later] });
    const { times, count } = await play(file);
    expect(times).toHaveLength(12);
    expect(count).toBe(12);
  });
});

describe('a rosbag2 database', () => {
  it('is played from any folder, even with a stale lock next to it', async () => {
    const file = join(root, 'run_0.db3');
    writeDatabase(file, FRONT);
    await mkdir(`${file}.lock`);
    expect(await play(file)).toMatchObject({ ...EXPECTED, count: 6 });
    expect((await readdir(root)).sort()).toEqual(['run_0.db3', 'run_0.db3.lock']);
  });

  it.each([1, 2, 3])('has one span for a topic with %i rows', async (rows) => {
    const file = join(root, 'run_0.db3');
    writeDatabase(file, FRONT, 0, rows);
    const recording = await openRecording(file);
    expect(recording.topics.map(({ name, count }) => [name, count])).toEqual([[FRONT.topic, FRONT.frames]]);
    expect(await recording.span(FRONT.topic)).toEqual({
      first: logTimeOf(FRONT, 0),
      last: logTimeOf(FRONT, FRONT.frames - 1),
    });
    await recording.close();
  });

  it('is refused with the merge command if it has a write-ahead log', async () => {
    const file = join(root, 'run_0.db3');
    writeDatabase(file, FRONT);
    const bytes = await readFile(file);
    bytes.fill(2, 18, 20);
    await writeFile(file, bytes);
    await expect(openRecording(file)).rejects.toThrow('PRAGMA journal_mode=DELETE');
  });

  it('is refused with an explanation if it is truncated or has other content', async () => {
    const file = join(root, 'run_0.db3');
    writeDatabase(file, FRONT);
    await truncate(file, 5000);
    await expect(openRecording(file)).rejects.toThrow(/cannot be read \(.*sqlite3 .*recover/);
    const other = join(root, 'other.db3');
    const database = new sqlite.Database(other);
    database.exec('CREATE TABLE x(y)');
    database.close();
    await expect(openRecording(other)).rejects.toThrow('not one of rosbag2');
  });
});

describe('a recording that is compressed as a whole', () => {
  it.each(['mcap', 'db3'])('(%s) is unpacked and played, and the unpacked file is removed', async (kind) => {
    const file = join(root, `run_0.${kind}`);
    if (kind === 'mcap') await writeRecording(file, { topics: [FRONT] });
    else writeDatabase(file, FRONT);
    const packed = `${file}.zstd`;
    await writeFile(packed, compress(await readFile(file)));
    const folder = join(root, 'tmp');
    await mkdir(folder);
    vi.stubEnv('TMPDIR', folder);
    expect(await play(packed)).toMatchObject(EXPECTED);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused with the command to try if it cannot be unpacked', async () => {
    const packed = join(root, 'run.mcap.zstd');
    await writeFile(packed, compress(new Uint8Array(1000).fill(1)).fill(0xff, 5));
    await expect(openRecording(packed)).rejects.toThrow('zstd -d');
  });
});

describe('a folder of rosbag2', () => {
  const first = { ...FRONT, frames: 3 };
  const metadata = (names: readonly string[]): string =>
    'rosbag2_bagfile_information:\n  version: 5\n  ' +
    `relative_file_paths:\n${names.map((name) => `    - ${name}\n`).join('')}`;

  async function writeSplits(): Promise<void> {
    await writeRecording(join(root, 'run_0.mcap'), { topics: [first] });
    writeDatabase(join(root, 'run_1.db3'), first, 3);
  }

  it('is played split by split, in the order of its metadata', async () => {
    await writeSplits();
    await writeFile(join(root, 'metadata.yaml'), metadata(['run_0.mcap', 'run_1.db3']));
    expect(await play(root)).toMatchObject({ ...EXPECTED, count: 6, notices: [] });
    expect(await play(join(root, 'metadata.yaml'))).toMatchObject(EXPECTED);
    await writeFile(join(root, 'metadata.yaml'), metadata(['run_1.db3', 'run_0.mcap']));
    expect((await play(root)).pixels).toEqual([13, 14, 15, 10, 11, 12]);
  });

  it('is played without metadata, by number, and with a split that the metadata does not list', async () => {
    await writeSplits();
    expect(await play(root)).toMatchObject(EXPECTED);
    await writeFile(join(root, 'metadata.yaml'), metadata(['run/run_0.mcap']));
    expect(await play(root)).toMatchObject(EXPECTED);
  });

  it('reports a skipped split, and prefers an unpacked split to a packed one', async () => {
    await writeSplits();
    await writeFile(join(root, 'run_1.db3.zstd'), compress(await readFile(join(root, 'run_1.db3'))));
    await writeFile(join(root, 'run_2.mcap'), 'nothing');
    await writeFile(
      join(root, 'metadata.yaml'),
      metadata(['run_0.mcap', 'run_1.db3.zstd', 'run_2.mcap', 'run_3.mcap']),
    );
    const played = await play(root);
    expect(played).toMatchObject(EXPECTED);
    expect(played.notices).toEqual([
      expect.stringMatching(/^run_2\.mcap is skipped: it is not a recording/),
      expect.stringMatching(/^run_3\.mcap is skipped: ENOENT/),
    ]);
  });

  it('never waits for a split or a metadata file that is a pipe', async () => {
    await writeSplits();
    execFileSync('mkfifo', [join(root, 'run_2.mcap'), join(root, 'metadata.yaml')]);
    const played = await play(root);
    expect(played).toMatchObject(EXPECTED);
    expect(played.notices).toEqual([
      expect.stringMatching(/^run_2\.mcap is skipped: .* is not a regular file/),
    ]);
  });

  it('is refused if it has no recording', async () => {
    await expect(openRecording(root)).rejects.toThrow('there is no recording in the folder');
    await writeFile(join(root, 'metadata.yaml'), '{');
    await expect(openRecording(root)).rejects.toThrow('ros2 bag reindex');
  });
});

describe('anything else', () => {
  it('is refused by its content', async () => {
    const cases: readonly (readonly [string | Uint8Array, string])[] = [
      ['', 'the file is empty'],
      ['#ROSBAG V2.0\n', 'rosbags-convert'],
      ['\u0000'.repeat(100), 'it is not a recording'],
    ];
    for (const [content, words] of cases) {
      const file = join(root, 'run.mcap');
      await writeFile(file, content);
      await expect(openRecording(file)).rejects.toThrow(words);
    }
  });
});

const FAULTS = join(SHARED, 'faults');

describeWith(FOREIGN_FILES, 'files of others', () => {
  it.each([
    ['fastwrite_unchunked.mcap', 30],
    ['truncated.mcap', 44],
    ['rosbag2_folder', 20],
    ['every_third_damaged.mcap', 30],
    ['message_zstd.mcap', 30],
  ])('%s', async (name, messages) => {
    const { times } = await play(join(FAULTS, name), '/front/image_raw/compressed');
    expect(times).toHaveLength(messages);
  });
});
