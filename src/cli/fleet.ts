import type { Command } from 'commander';
import { registerFleetAudit } from './fleet-audit.ts';
import { registerFleetBench } from './fleet-bench.ts';
import { registerFleetFaults } from './fleet-faults.ts';
import { registerFleetLedger } from './fleet-ledger.ts';
import { registerFleetLoad } from './fleet-load.ts';
import { registerFleetQuarantine } from './fleet-quarantine.ts';
import { registerFleetServe } from './fleet-serve.ts';
import { registerFleetToken } from './fleet-token.ts';
import { registerFleetTriage } from './fleet-triage.ts';

/** Folder of the embedded database. */
const DEFAULT_FOLDER = '.goshawk/fleet';

/** Adds `goshawk fleet`. */
export function registerFleet(program: Command): void {
  const fleet = program.command('fleet').description("the fleet's end of telemetry: receive, store, account");
  registerFleetServe(fleet, DEFAULT_FOLDER);
  registerFleetLedger(fleet, DEFAULT_FOLDER);
  registerFleetQuarantine(fleet, DEFAULT_FOLDER);
  registerFleetToken(fleet, DEFAULT_FOLDER);
  registerFleetAudit(fleet, DEFAULT_FOLDER);
  registerFleetTriage(fleet, DEFAULT_FOLDER);
  registerFleetFaults(fleet);
  registerFleetLoad(fleet);
  registerFleetBench(fleet);
}
