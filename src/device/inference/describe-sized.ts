import { describeSetting } from '../../core/sizing/settings.ts';
import type { EngineInfo } from './engine.ts';

/** How inference is divided over the machine, and why, as one line of a log. */
export function describeSized(
  info: Pick<EngineInfo, 'workers' | 'threads' | 'queueDepth' | 'sizing'>,
): string {
  return `inference: ${describeSetting(info)}; ${info.sizing?.why ?? 'as asked for'}`;
}
