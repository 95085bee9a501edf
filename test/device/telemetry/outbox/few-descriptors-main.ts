import { closeSync, openSync } from 'node:fs';
import { openOutboxFolder } from '../../../../src/device/telemetry/outbox/outbox-folder.ts';
import type { OutboxStore } from '../../../../src/device/telemetry/outbox/store.ts';

/**
 * Opens and writes the outbox in a folder while this process runs out of descriptors; run it with `ulimit -n`. Prints
 * one JSON line for each try to open it, and one for writing.
 */
const folder = process.argv[2] ?? '';
const taken: number[] = [];

function leave(count: number): void {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    for (const one of taken.splice(taken.length - count)) closeSync(one);
  }
}

function leaveAll(): void {
  for (const one of taken.splice(0)) closeSync(one);
}

async function keysIn(store: OutboxStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.records()) keys.push(key);
  return keys;
}

async function attempt(count: number): Promise<object> {
  const lines: string[] = [];
  leave(count);
  try {
    const { store, marks } = await openOutboxFolder(folder, (line) => lines.push(line));
    const records = (await keysIn(store)).length;
    await marks.close();
    await store.close();
    return { records, lines };
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: unknown };
    return { code, message, lines };
  }
}

/** @returns why it failed; empty if it did not */
async function write(store: OutboxStore, key: string): Promise<string> {
  return store.write(new Map([[key, 'x'.repeat(50_000)]])).then(
    () => '',
    (reason: unknown) => String(reason),
  );
}

/** Writes until it fails, which takes a second log; then again, without descriptors and with them. */
async function writeUntilRefused(): Promise<object> {
  const { store, marks } = await openOutboxFolder(folder, () => undefined);
  leave(0);
  let written = 0;
  let error = '';
  for (; written < 100 && error === ''; written += 1) error = await write(store, `w${written}`);
  const last = `w${written - 1}`;
  const again = await write(store, last);
  leaveAll();
  const late = await write(store, last);
  const found = (await keysIn(store)).filter((key) => key.startsWith('w'));
  await marks.close();
  await store.close();
  return { error, isRefusedAgain: again !== '', late, isComplete: found.length === written };
}

const say = (result: object): void => void process.stdout.write(`${JSON.stringify(result)}\n`);
for (let count = 0; count <= 12; count += 1) say(await attempt(count));
leaveAll();
say(await writeUntilRefused());
