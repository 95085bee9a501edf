import type { ClipPrivacy } from '../../contract/clips.ts';
import type { RuleOptions } from './capture-rules.ts';

export interface CaptureOptions {
  /** of clips, for this detector alone */
  readonly folder: string;
  readonly budgetBytes: number;
  /** of frames in memory, and of frames that wait for the disk */
  readonly ringBytes: number;
  readonly beforeMs: number;
  readonly afterMs: number;
  /** between frames of a camera in the ring */
  readonly periodMs: number;
  readonly clipsPerHour: number;
  readonly privacy: ClipPrivacy;
  /** where the fleet may have clips put */
  readonly putHosts: readonly string[];
  readonly rules: RuleOptions;
}
