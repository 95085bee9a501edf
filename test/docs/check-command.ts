import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { selectGroups } from '../../scripts/bootstrap/test-groups.mjs';
import { parseTestArguments } from '../../scripts/bootstrap/test.mjs';
import { CAMERA_PARAMETERS } from '../../src/ros/camera/parameters.ts';
import { DETECTOR_PARAMETERS } from '../../src/ros/detector/parameters.ts';
import { ROOT, sourceText } from './documents.ts';
import { refusalOf } from './goshawk-command.ts';
import { launchArguments } from './launch-arguments.ts';

/** Foreign commands, or those of other machines, and why they are not checked here. */
export const NOT_CHECKED: Readonly<Record<string, string>> = {
  cat: 'reads a file that only a Jetson has',
  cd: "the shell's own",
  colcon: 'run by test/ros/colcon.test.ts',
  curl: 'asks a fleet that runs; test/fleet/api.test.ts makes the same requests',
  export: "the shell's own",
  git: 'needs the address of a clone',
  grep: 'reads a file that only a Jetson has',
  mosquitto: 'run by test/integration/fleet-broker.test.ts',
  mv: 'changes node_modules',
  promtool: 'run by test/deploy/prometheus.test.ts',
  psql: 'test/fleet/dashboards.test.ts runs the same file',
  pytest: 'run by the group "training"',
  rm: 'changes node_modules',
  source: "the shell's own",
  sudo: 'changes the machine',
  tegrastats: 'a tool of Jetsons',
  torchrun: 'needs PyTorch; run by the group "training"',
};

type Check = (words: readonly string[]) => Promise<string | null> | string | null;

const PARAMETERS: Readonly<Record<string, object>> = {
  camera: CAMERA_PARAMETERS,
  detector: DETECTOR_PARAMETERS,
};

/** Prefixes that run the command after them. */
const AROUND: Check = ([, ...words]) => refusal(words);

const CHECKS: Readonly<Record<string, Check>> = {
  goshawk: ([, ...words]) => refusalOf(words),
  node: ([, entry = '', ...words]) =>
    entry.endsWith('dist/cli.js') ? refusalOf(words) : `${entry} is not known`,
  '.tools/arm64/node': (words) => CHECKS['node']!(words),
  '.tools/optimize/bin/python': ([, , , folder = '']) =>
    existsSync(join(ROOT, folder)) ? null : `${folder} is not there`,
  npm: checkNpm,
  python: checkTraining,
  ros2: checkRos2,
  'scripts/emulate/as-avx2': AROUND,
  'scripts/with-ros': AROUND,
  'scripts/jetson/build-engine': checkUsage,
  'scripts/jetson/build-onnxruntime': checkUsage,
  'scripts/fleet/make-broker': checkUsage,
  'scripts/training/reproduce.sh': checkThere,
  'scripts/training/reproduce-gpu.sh': checkThere,
};

/** Why a command in a document would be refused; null if it would not, as far as that can be checked. */
export function refusal(words: readonly string[]): Promise<string | null> | string | null {
  const [program = ''] = words;
  const check = CHECKS[program];
  if (check !== undefined) return check(words);
  return program in NOT_CHECKED ? null : `nobody here knows "${program}"`;
}

async function checkNpm([, command = '', ...words]: readonly string[]): Promise<string | null> {
  if (command === 'run') {
    const scripts = /"scripts": (\{[^}]*\})/.exec(readFileSync(join(ROOT, 'package.json'), 'utf8'))?.[1];
    return words[0] !== undefined && words[0] in (JSON.parse(scripts ?? '{}') as object)
      ? null
      : `package.json has no script ${words[0]}`;
  }
  const own = words[0] === '--' ? words.slice(1) : [];
  if (command === 'start') return refusalOf(['demo', ...own]);
  if (command !== 'test') return `npm ${command} is not known`;
  try {
    selectGroups(parseTestArguments(own).only);
    return null;
  } catch (error) {
    return String(error);
  }
}

function checkRos2(words: readonly string[]): string | null {
  const [, verb, noun = '', name = '', ...rest] = words;
  if (verb === 'launch') {
    if (noun !== 'goshawk' || !existsSync(join(ROOT, 'launch', name)))
      return `there is no launch file ${name}`;
    const declared = launchArguments(name);
    const given = rest.filter((word) => word.includes(':=')).map((word) => word.split(':=')[0]!);
    const unknown = given.find((argument) => !declared.has(argument));
    return unknown === undefined ? null : `${name} has no argument ${unknown}`;
  }
  if (verb === 'run') {
    const table = PARAMETERS[name];
    if (noun !== 'goshawk' || table === undefined) return `there is no node ${name}`;
    const given = rest.flatMap((word, at) => (word === '-p' ? [rest[at + 1]!.split(':=')[0]!] : []));
    const unknown = given.find((parameter) => !(parameter in table));
    return unknown === undefined ? null : `${name} has no parameter ${unknown}`;
  }
  if (verb === 'param' && (noun === 'set' || noun === 'get')) {
    const table = PARAMETERS[name.split('/').at(-1)!];
    if (table === undefined) return `there is no node ${name}`;
    return /^[A-Z]+$/.test(rest[0] ?? '') || rest[0]! in table ? null : `${name} has no parameter ${rest[0]}`;
  }
  if (verb === 'bag')
    // rosbag2 is no part of the wheels; these are options of every version of it
    return noun === 'record' && name === '-o' && rest.slice(1).every((topic) => topic.startsWith('/'))
      ? null
      : `ros2 bag ${noun} is not known`;
  // everything else belongs to ROS 2, and test/ros/ros2-cli.test.ts runs it
  return ['topic', 'param', 'pkg', 'lifecycle'].includes(verb ?? '') ? null : `ros2 ${verb} is not known`;
}

/** Checks options against the script's own `--help`. */
function checkUsage([script = '', ...words]: readonly string[]): string | null {
  const help = execFileSync(join(ROOT, script), ['--help'], { encoding: 'utf8' });
  const unknown = words.find((word) => word.startsWith('--') && !help.includes(word));
  return unknown === undefined ? null : `${script} --help says nothing of ${unknown}`;
}

function checkThere([script = '']: readonly string[]): string | null {
  return existsSync(join(ROOT, script)) ? null : `${script} is not there`;
}

/** It would need PyTorch to print its help, so its options are looked up in its sources, where settings are fields. */
function checkTraining([, , module, command, ...words]: readonly string[]): string | null {
  if (module !== 'goshawk_training') return `the module ${module} is not known`;
  const source = sourceText(['scripts/training/goshawk_training'], /\.py$/);
  if (!source.includes(`add_parser("${command}"`)) return `goshawk_training has no command ${command}`;
  const unknown = words.find(
    (word) =>
      word.startsWith('--') &&
      !source.includes(`"${word}"`) &&
      !new RegExp(`^ {4}${word.slice(2).replaceAll('-', '_')}: `, 'm').test(source),
  );
  return unknown === undefined ? null : `goshawk_training has no option ${unknown}`;
}
