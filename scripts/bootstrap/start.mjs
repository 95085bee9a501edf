import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { PLACES } from './paths.mjs';
import { rosEnvironment } from './ros-env.mjs';

/** A terminal's Ctrl-C reaches this process twice: directly and through npm. */
const SAME_SIGNAL_MS = 500;

/**
 * Runs the demo until it exits, and forwards signals.
 * @param {import('./ros-env.mjs').RosInstallation | undefined} ros
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code; 128 + the signal's number if a signal ended it
 */
export async function runDemo(ros, args) {
  const env = rosEnvironment(ros, process.env);
  if (ros === undefined) env['GOSHAWK_NO_ROS'] = '1';
  // A separate process group: the terminal's Ctrl-C must come from here only, or the demo would see it twice.
  const child = spawn(process.execPath, [path.join(PLACES.dist, 'cli.js'), 'demo', ...args], {
    env,
    stdio: 'inherit',
    detached: true,
  });

  /** @type {Map<string, number>} */
  const lastForwarded = new Map();
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    const now = performance.now();
    if (now - (lastForwarded.get(signal) ?? -Infinity) < SAME_SIGNAL_MS) return;
    lastForwarded.set(signal, now);
    child.kill(signal);
  };
  /** @type {readonly NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])),
      );
    });
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}
