#!/usr/bin/env node
import { isNodeNewEnough } from './platform/node-version.ts';

if (isNodeNewEnough((line) => process.stderr.write(`${line}\n`))) {
  const { runProgram } = await import('./cli/run-program.ts');
  await runProgram();
} else {
  process.exitCode = 1;
}
