import type { Command } from 'commander';
import { LIMIT_PARAMETERS } from '../../contract/limit-parameters.ts';
import type { ParameterTable } from '../../contract/parameters.ts';
import type { LimitsPatch } from '../../device/pipeline/limit-table.ts';
import { addParameterOptions, givenValues } from './parameter-options.ts';

/** The limits of a robot, beside options of the same name that are those of an evaluation. */
const ROBOT_LIMITS: ParameterTable = Object.fromEntries(
  Object.entries(LIMIT_PARAMETERS).map(([name, spec]) => {
    const { flags, description } = spec.option;
    return [
      name,
      {
        ...spec,
        option: { flags: flags.replace('--', '--robot-'), description: `of the robot: ${description}` },
      },
    ];
  }),
);

/** Adds `--robot-score` and the others: how the robot runs that a drift reference is for. */
export function addRobotLimitOptions(command: Command): void {
  addParameterOptions(command, ROBOT_LIMITS);
}

/** The limits that a command's flags name. */
export function robotLimits(flags: object): LimitsPatch {
  return givenValues(ROBOT_LIMITS, flags);
}
