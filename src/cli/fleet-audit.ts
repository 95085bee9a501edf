import type { Command } from 'commander';
import type { AuditEntry } from '../contract/fleet/audit.ts';
import { readAudit } from '../fleet/store/audit.ts';
import { addDatabaseOptions, withReadyDatabase, type DatabaseFlags } from './fleet-database.ts';
import { wholeFrom } from './kit/options.ts';
import { printJson } from './kit/report.ts';

interface AuditFlags extends DatabaseFlags {
  readonly limit: number;
  readonly before?: number;
  readonly search: string;
  readonly json?: true;
}

function describe({ id, at, actor, from, action, target, before, after }: AuditEntry): string {
  const change = `${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
  return `${id} ${at} ${actor} (${from}) ${action} ${target}: ${change}`;
}

/** Adds `goshawk fleet audit`. */
export function registerFleetAudit(fleet: Command, defaultFolder: string): void {
  const audit = fleet.command('audit').description('who changed what, the newest first');
  addDatabaseOptions(audit, defaultFolder)
    .option('--limit <n>', 'how many', wholeFrom(1, 1_000), 100)
    .option('--before <id>', 'only older ones than this', wholeFrom(1, Number.MAX_SAFE_INTEGER))
    .option('--search <text>', 'part of the actor, the action or the target', '')
    .option('--json', 'print it for programs')
    .action(async (flags: AuditFlags) => {
      const { limit, before, search } = flags;
      const found = await withReadyDatabase(flags, (database) =>
        readAudit(database, { limit, before, search }),
      );
      if (flags.json === true) printJson(found);
      else
        console.log(
          found.entries.length === 0 ? 'nothing was changed' : found.entries.map(describe).join('\n'),
        );
    });
}
