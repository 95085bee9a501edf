import type { Command } from 'commander';
import { registerFleetFaults } from './fleet-faults.ts';
import { registerFleetLedger } from './fleet-ledger.ts';
import { registerFleetServe } from './fleet-serve.ts';

/** Folder of the embedded database. */
const DEFAULT_FOLDER = '.goshawk/fleet';

/** Adds `goshawk fleet`. */
export function registerFleet(program: Command): void {
  const fleet = program.command('fleet').description("the fleet's end of telemetry: receive, store, account");
  registerFleetServe(fleet, DEFAULT_FOLDER);
  registerFleetLedger(fleet, DEFAULT_FOLDER);
  registerFleetFaults(fleet);
}
