import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { copyPages, watchPages } from './copy-pages.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { Restarted } from './restarted.mjs';
import { rosEnvironment } from './ros-env.mjs';

/** What the compiler prints after each round in watch mode. */
const ROUND_DONE = /Found (\d+) errors?\. Watching for file changes\./;

/**
 * Runs the demo with the compiler in watch mode. Every save that compiles restarts it; one that does not
 * leaves it running. Ends with Ctrl-C, or when the demo exits.
 * @param {import('./ros-env.mjs').RosInstallation | undefined} ros
 * @param {readonly string[]} args of `goshawk demo`
 * @returns {Promise<number>} exit code of the demo; 128 + the signal's number if a signal ended it
 */
export async function runDev(ros, args) {
  const env = rosEnvironment(ros, process.env);
  if (ros === undefined) env['GOSHAWK_NO_ROS'] = '1';
  const tsc = path.join(PLACES.nodeModules, 'typescript/bin/tsc');
  // Separate process groups: a terminal's Ctrl-C must come from here only, or the demo would see it twice.
  const compiler = spawn(
    process.execPath,
    [tsc, '-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  const app = new Restarted(() =>
    spawn(process.execPath, [path.join(PLACES.dist, 'cli.js'), 'demo', ...args], {
      env,
      stdio: 'inherit',
      detached: true,
    }),
  );
  let isCompiled = false;
  const pages = watchPages(() => {
    if (isCompiled) app.restart();
  });
  return await new Promise((resolve, reject) => {
    /** @param {number} code */
    const end = (code) => {
      compiler.kill('SIGTERM');
      pages.close();
      // One Ctrl-C may arrive twice, from the terminal and from the parent process: handle signals until the
      // demo is gone.
      void app.stop().then(() => {
        for (const signal of SIGNALS) process.off(signal, onSignal);
        resolve(code);
      });
    };
    /** @param {NodeJS.Signals} signal */
    const onSignal = (signal) => end(128 + os.constants.signals[signal]);
    for (const signal of SIGNALS) process.on(signal, onSignal);
    app.onEnd = end;
    compiler.once('error', reject);
    compiler.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      process.stdout.write(text);
      const errors = ROUND_DONE.exec(text)?.[1];
      isCompiled = errors === '0';
      if (!isCompiled) return;
      copyPages();
      app.restart();
    });
  });
}

/** @type {readonly NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
