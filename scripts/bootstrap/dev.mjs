import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BrokenSources } from './broken-sources.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { Restarted } from './restarted.mjs';
import { rosEnvironment } from './ros-env.mjs';

/** An editor's save, or a checkout, changes several files within this time. */
const SETTLE_MS = 150;

const SRC = path.join(ROOT, 'src');

/** Programs, and the pages that they serve. */
const SOURCE = /\.(ts|html|css|js)$/;

/**
 * The demo from its sources: every save of src/ restarts it, except one that Node cannot read, which leaves it
 * running. Types are checked by a compiler next to it, which only reports. Ends with Ctrl-C, or when the demo
 * ends by itself; one that fails after a save, or because a source is broken, waits for the next save.
 * @param {import('./ros-env.mjs').RosInstallation | undefined} ros
 * @param {readonly string[]} args of `goshawk demo`
 * @returns {Promise<number>} exit code of the demo; 128 + the signal's number where one ended this
 */
export async function runDev(ros, args) {
  const env = rosEnvironment(ros, process.env);
  if (ros === undefined) env['GOSHAWK_NO_ROS'] = '1';
  const compiler = spawnTypeCheck();
  // Separate process groups: a terminal's Ctrl-C must come from here only, or the demo would see it twice.
  const app = new Restarted(() =>
    spawn(process.execPath, [path.join(SRC, 'cli.ts'), 'demo', ...args], {
      env,
      stdio: 'inherit',
      detached: true,
    }),
  );
  let hasSaved = false;
  const sources = new BrokenSources(SRC);
  const saves = watchSources(sources, () => {
    hasSaved = true;
    console.log('[dev] saved: restarting the demo');
    app.restart();
  });
  return await new Promise((resolve, reject) => {
    /** @param {number} code */
    const end = (code) => {
      saves.close();
      compiler.kill('SIGTERM');
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
    app.onEnd = (code) => {
      const problems = code === 0 || hasSaved ? [] : sources.checkAll();
      for (const problem of problems) console.error(`[dev] ${problem}`);
      if (code === 0 || (!hasSaved && problems.length === 0)) end(code);
      else console.log(`[dev] the demo ended with code ${code}: it restarts at the next save`);
    };
    compiler.once('error', reject);
    app.restart();
  });
}

/** Prints type errors in src/ after each save, and nothing else of what the compiler says. */
function spawnTypeCheck() {
  const compiler = spawn(
    process.execPath,
    [
      path.join(PLACES.nodeModules, 'typescript/bin/tsc'),
      ...['-p', 'tsconfig.build.json', '--noEmit', '--incremental', 'false'],
      ...['--watch', '--preserveWatchOutput', '--pretty', 'false'],
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  let hadErrors = false;
  let rest = '';
  compiler.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (/ error TS\d+: /.test(line)) console.error(`[types] ${line}`);
      const errors = / Found (\d+) errors?\./.exec(line)?.[1];
      if (errors === '0' && hadErrors) console.log('[types] no errors');
      if (errors !== undefined) hadErrors = errors !== '0';
    }
  });
  return compiler;
}

/**
 * Watches src/. Several files that change together are one save.
 * @param {BrokenSources} sources
 * @param {() => void} onSave called after a save that Node can run
 * @returns {{ close: () => void }}
 */
function watchSources(sources, onSave) {
  /** @type {Set<string>} */
  const changed = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const settle = () => {
    for (const problem of sources.check(changed)) console.error(`[dev] ${problem}`);
    changed.clear();
    if (sources.canRun) onSave();
    else console.error('[dev] the demo keeps running unchanged until this is fixed');
  };
  const watcher = watch(SRC, { recursive: true }, (_, file) => {
    if (file === null || !SOURCE.test(file)) return;
    changed.add(file);
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLE_MS);
  });
  return {
    close: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

/** @type {readonly NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
