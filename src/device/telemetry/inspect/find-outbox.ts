import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../../contract/errors.ts';
import { outboxRoot } from '../outbox/outbox-root.ts';
import { topicLevelFrom } from '../outbox/topic-level.ts';

/** What is given of an outbox; what is not given may be anything. */
export interface OutboxFilter {
  readonly telemetryOutbox?: string;
  readonly site?: string;
  readonly robot?: string;
  readonly node?: string;
}

/** An outbox on this machine. */
export interface FoundOutbox {
  readonly site: string;
  readonly robot: string;
  readonly node: string;
  readonly folder: string;
}

/** Outboxes that a refusal names. */
const MAX_NAMED = 20;

/**
 * The only outbox that fits what is given.
 * @throws GoshawkError GOSHAWK_OUTBOX_NOT_FOUND if there is none, or more than one
 */
export async function findOutbox(filter: OutboxFilter): Promise<FoundOutbox> {
  const folder = outboxRoot(filter.telemetryOutbox ?? '');
  const found = await listOutboxes(folder);
  const node = filter.node === undefined ? undefined : topicLevelFrom(filter.node);
  const fitting = found.filter(
    (one) =>
      one.site === (filter.site ?? one.site) &&
      one.robot === (filter.robot ?? one.robot) &&
      one.node === (node ?? one.node),
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const named = (fitting.length > 1 ? fitting : found)
    .slice(0, MAX_NAMED)
    .map((one) => `${one.site}/${one.robot}/${one.node}`)
    .join(', ');
  const reason =
    found.length === 0
      ? 'there is none'
      : fitting.length > 1
        ? `several fit: ${named}`
        : `none fits; there are ${named}`;
  throw new GoshawkError('GOSHAWK_OUTBOX_NOT_FOUND', { folder, reason });
}

async function listOutboxes(root: string): Promise<FoundOutbox[]> {
  const found: FoundOutbox[] = [];
  for (const site of await foldersIn(root))
    for (const robot of await foldersIn(join(root, site)))
      for (const node of await foldersIn(join(root, site, robot))) {
        const folder = join(root, site, robot, node);
        found.push({ site, robot, node, folder });
      }
  return found;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
