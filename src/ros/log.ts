import { sendDebugTo } from '../platform/debug.ts';
import type { RosNode } from './rcl.ts';

/** A node's log: the console and `/rosout`. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The node's own ROS logger. After the node is destroyed there is no `/rosout`, so lines go to standard error. */
export function nodeLog(node: RosNode, alive: () => boolean): Log {
  const logger = node.getLogger();
  const say = (level: 'info' | 'warn' | 'error', message: string): void => {
    if (alive()) logger[level](message);
    else process.stderr.write(`[${level.toUpperCase()}] ${message}\n`);
  };
  return {
    info: (message) => say('info', message),
    warn: (message) => say('warn', message),
    error: (message) => say('error', message),
  };
}

/** Severity of `--log-level debug`, as rcutils numbers it. */
const DEBUG_SEVERITY = 10;

/** Sends Goshawk's debug log to the node's own logger, if the node's log level asks for it. */
export function followLogLevel(node: RosNode, alive: () => boolean): void {
  const logger = node.getLogger();
  if (Number(logger.loggerEffectiveLevel) > DEBUG_SEVERITY) return;
  sendDebugTo((line) => {
    if (alive()) logger.debug(line);
    else process.stderr.write(`[DEBUG] ${line}\n`);
  });
}
