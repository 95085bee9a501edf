import type { FrameKind } from '../../contract/drift-reference.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { isCompressedEncoding } from '../../core/image/image-view.ts';
import type { LetterboxResize } from '../../core/image/letterbox.ts';
import type { FrameResult } from '../pipeline/frame/frame-result.ts';
import type { OpenReference } from './open-reference.ts';

/** How one frame came and was resized. */
export type FrameOrigin = Pick<FrameResult, 'encoding' | 'mode'>;

const WORDS: Readonly<Record<FrameKind, string>> = {
  raw: 'raw',
  graph: 'raw and resized inside the graph',
  sharp: 'raw and resized by sharp',
  compressed: 'compressed',
};

/**
 * The kind of a frame: frames of one kind have the same texture. Compressing takes the finest of it away. Where the
 * network samples, raw frames are alike whoever resizes them; where it averages, sharp does so in another way than the
 * graph.
 * @param resize of the network
 */
export function frameKindOf({ encoding, mode }: FrameOrigin, resize: LetterboxResize): FrameKind {
  if (isCompressedEncoding(encoding)) return 'compressed';
  return resize === 'average' ? mode : 'raw';
}

/** Why a reference does not apply to a frame. */
export interface FrameKindMismatch {
  /** only resized otherwise: while it is tried which way is faster, frames take both in turn */
  readonly mayPass: boolean;
  readonly error: GoshawkError;
}

/** How a frame is of another kind than those of a reference; null if it is not, or if the reference does not say. */
export function frameKindMismatch(
  { file, reference }: OpenReference,
  { encoding, mode }: FrameOrigin,
): FrameKindMismatch | null {
  const { frames } = reference.settings;
  if (frames === undefined) return null;
  const raw = frames === 'compressed' || frames === 'raw' ? 'raw' : mode;
  const kind = isCompressedEncoding(encoding) ? 'compressed' : raw;
  if (kind === frames) return null;
  return { mayPass: kind === mode, error: otherKindError(file, frames, kind) };
}

/** Says that a reference is of frames of another kind. */
export function otherKindError(file: string, expected: FrameKind, actual: FrameKind): GoshawkError {
  return new GoshawkError('GOSHAWK_DRIFT_REFERENCE_MISMATCH', {
    file,
    what: 'frames that are',
    expected: WORDS[expected],
    actual: WORDS[actual],
  });
}
