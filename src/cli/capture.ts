import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CaptureAnswer } from '../contract/clips.ts';
import { GoshawkError } from '../contract/errors.ts';
import { RequestFolder } from '../device/capture/request-folder.ts';
import { errorText } from '../platform/error-text.ts';

interface Flags {
  readonly captureDir: string;
  readonly camera?: string;
  readonly text: string;
  readonly protect: boolean;
}

/** The detector looks twice a second; one that is starting up takes longer. */
const WAIT_MS = 10_000;
const POLL_MS = 100;

async function ask(folder: string, flags: Flags): Promise<CaptureAnswer> {
  const off = (reason: string): GoshawkError => new GoshawkError('GOSHAWK_CAPTURE_OFF', { folder, reason });
  const request = { text: flags.text, camera: flags.camera ?? null, isProtected: flags.protect };
  const answer = await new RequestFolder(folder).ask(request).catch((error: unknown) => {
    throw off(errorText(error));
  });
  const found = await poll(answer);
  if (found === null) throw off('no answer within 10 s');
  return found;
}

/** What is found within ten seconds; null if nothing is. */
async function poll<T>(find: () => Promise<T | null>): Promise<T | null> {
  for (const end = Date.now() + WAIT_MS; Date.now() < end;) {
    const found = await find();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return null;
}

/** A clip is begun at once, and its file with the first frame: without one, no file ever comes. */
async function requireFile(file: string): Promise<void> {
  const found = await poll(() => stat(file).catch(() => null));
  if (found !== null) return;
  const reason = `no frame has come for ${file}: if none does, there is no such file`;
  throw new GoshawkError('GOSHAWK_CAPTURE_REFUSED', { reason });
}

async function capture(flags: Flags): Promise<void> {
  const folder = flags.captureDir;
  const answer = await ask(folder, flags);
  if ('code' in answer) throw new GoshawkError('GOSHAWK_CAPTURE_REFUSED', { reason: answer.reason });
  const file = join(folder, `${answer.clip}.mcap`);
  await requireFile(file);
  console.log(file);
}

/** Adds `goshawk capture`. */
export function registerCapture(program: Command): void {
  program
    .command('capture')
    .description('have a running detector record a clip of the seconds around now; prints its file')
    .requiredOption('--capture-dir <dir>', 'folder in which the detector records clips')
    .option('--camera <name>', 'only this camera (default: all)')
    .option('--text <words>', 'why, in words', 'asked for by a person')
    .option('--protect', 'never remove it to make room for others', false)
    .action(capture);
}
