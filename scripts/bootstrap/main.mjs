#!/usr/bin/env node
// Set-up, demo and tests: node scripts/bootstrap/main.mjs start|dev|test|setup [arguments]
import { nodeVersionProblem } from './node-version.mjs';

const problem = nodeVersionProblem(process.versions.node);
if (problem) {
  console.error('set-up: ' + problem);
  process.exitCode = 1;
} else {
  // Loaded only now: the rest uses syntax that older Nodes cannot parse.
  const { runCommand } = await import('./commands.mjs');
  process.exitCode = await runCommand(process.argv[2], process.argv.slice(3));
}
