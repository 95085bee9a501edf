import { describeSetting } from '../../core/sizing/settings.ts';
import type { EngineInfo } from './engine.ts';

/** How inference is divided over the machine, and why, as one log line. */
export function describeSized(
  info: Pick<EngineInfo, 'workers' | 'threads' | 'queueDepth' | 'sizing'>,
): string {
  return `inference: ${describeSetting(info)}; ${info.sizing?.why ?? 'as requested'}`;
}
