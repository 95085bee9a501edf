import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { McapRecording } from './mcap-recording.ts';
import { MCAP_MAGIC } from './mcap-walk.ts';
import { RecordingFile } from './recording-file.ts';
import { listParts, METADATA } from './recording-files.ts';
import type { Recording } from './recording.ts';
import { SplitRecording } from './split-recording.ts';
import { SQLITE_MAGIC, SqliteRecording } from './sqlite-recording.ts';
import { isZstd, loadZstd, unpackFile } from './zstd.ts';

/** Number of bytes at the start of a file that identify its format. */
const SNIFFED_BYTES = 64;
const ROS1_MAGIC = new TextEncoder().encode('#ROSBAG V');

/**
 * Opens a ROS 2 recording: an MCAP file, a rosbag2 database (`.db3`), either of them compressed as a whole
 * (`.zstd`), or the folder that `ros2 bag record` makes, with all its splits. The content decides, not the
 * name. Decompressors for its messages are loaded.
 * @throws Error with an explanation for the user: what the file is, and the command that makes it readable
 */
export async function openRecording(path: string): Promise<Recording> {
  await loadZstd();
  const found = await stat(path);
  if (found.isDirectory()) return openFolder(path);
  if (!found.isFile()) throw new Error('it is neither a file nor a folder');
  if (basename(path) === METADATA) return openFolder(dirname(path));
  return openFile(path);
}

async function openFile(path: string): Promise<Recording> {
  const head = await readHead(path);
  if (startsWith(head, MCAP_MAGIC)) return McapRecording.open(path);
  if (startsWith(head, SQLITE_MAGIC)) return SqliteRecording.open(path, head);
  if (isZstd(head)) return openPacked(path);
  if (startsWith(head, ROS1_MAGIC)) {
    throw new Error(
      `it is a ROS 1 bag; convert it: rosbags-convert --src ${path} --dst FOLDER (pip install rosbags)`,
    );
  }
  throw new Error(
    head.length === 0
      ? 'the file is empty'
      : 'it is not a recording: it starts like neither MCAP, nor a rosbag2 database (.db3), nor ' +
          'one of them compressed with zstd',
  );
}

/**
 * A file that was compressed as a whole is unpacked first; the unpacked file is removed when the recording is
 * closed.
 */
async function openPacked(path: string): Promise<Recording> {
  const remedy = `unpack it yourself: zstd -d ${path}`;
  const { path: unpacked, remove } = await unpackFile(path).catch((error: unknown) => {
    throw new Error(`it cannot be unpacked (${messageOf(error)}); ${remedy}`, { cause: error });
  });
  try {
    if (isZstd(await readHead(unpacked))) throw new Error(`it is compressed more than once; ${remedy}`);
    const recording = await openFile(unpacked);
    return withCleanup(recording, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

function withCleanup(recording: Recording, remove: () => Promise<void>): Recording {
  return {
    topics: recording.topics,
    notices: recording.notices,
    span: (topic) => recording.span(topic),
    messages: (topic) => recording.messages(topic),
    close: async () => {
      await recording.close();
      await remove();
    },
  };
}

/** Splits that cannot be opened are skipped with a notice; at least one must open. */
async function openFolder(folder: string): Promise<Recording> {
  const files = await listParts(folder);
  const parts: Recording[] = [];
  const notices: string[] = [];
  for (const file of files) {
    try {
      const part = await openFile(join(folder, file));
      parts.push(part);
      notices.push(...part.notices.map((notice) => `${file}: ${notice}`));
    } catch (error) {
      notices.push(`${file} is skipped: ${messageOf(error)}`);
    }
  }
  if (parts.length === 0) {
    throw new Error(
      notices.length > 0
        ? notices.join('; ')
        : 'there is no recording in the folder (metadata.yaml, or .mcap and .db3 files)',
    );
  }
  return new SplitRecording(parts, notices);
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await RecordingFile.open(path);
  try {
    return await file.readUpTo(0n, SNIFFED_BYTES);
  } finally {
    await file.close();
  }
}

function startsWith(bytes: Uint8Array, start: ArrayLike<number>): boolean {
  return Array.from(start).every((byte, i) => bytes[i] === byte);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
