import { GoshawkError } from '../../contract/errors.ts';
import { HEAD_TABLE, HEADS, type Head } from '../../core/heads/head-table.ts';
import type { OutputShape } from '../../core/heads/head.ts';
import {
  checkHead,
  describeShapes,
  type GraphInput,
  type HeadFailure,
  type HeadMatch,
} from '../../core/heads/shapes.ts';
import type { GraphClaims } from '../../model/bundle.ts';
import type { TensorInfo } from './session.ts';

/**
 * Throws GOSHAWK_BUNDLE_INVALID unless the graph takes one uint8 tensor `[batch, height, width, 3]` of the
 * manifest's size.
 */
export function checkInput(claims: GraphClaims, inputs: readonly TensorInfo[]): TensorInfo {
  const [input] = inputs;
  const expected = [claims.inputHeight, claims.inputWidth, 3];
  const fits =
    inputs.length === 1 &&
    input?.type === 'uint8' &&
    input.dims.length === 4 &&
    expected.every((size, i) => input.dims[i + 1] === size);
  if (input === undefined || !fits) {
    const found = inputs.map(({ name, type, dims }) => `${name} ${type} [${dims.join(', ')}]`).join(', ');
    throw new GoshawkError('GOSHAWK_BUNDLE_INVALID', {
      bundle: claims.bundle,
      reason: `the graph takes ${found}, not one uint8 tensor [batch, ${expected.join(', ')}]`,
    });
  }
  return input;
}

/** Heads that are easily mistaken for one another; the others fit too many shapes to tell. */
const MISTAKABLE: readonly Head[] = HEADS.filter((head) => HEAD_TABLE[head].isDistinctive);

/**
 * If a head fits only without the label count, and no other head fits with it, that fit is returned: `classes` then
 * differs from `labels`, which is a different mistake from a wrong head.
 */
function matchHead(
  head: Head,
  outputs: readonly OutputShape[],
  size: Omit<GraphInput, 'labels'>,
  labels: number,
): HeadMatch | HeadFailure {
  const counted = checkHead(head, outputs, { ...size, labels });
  if (!('failure' in counted)) return counted;
  const isOther = MISTAKABLE.some(
    (other) => other !== head && !('failure' in checkHead(other, outputs, { ...size, labels })),
  );
  return isOther ? counted : checkHead(head, outputs, size);
}

/**
 * Compares the outputs of a run with what the manifest claims. Throws GOSHAWK_HEAD_MISMATCH or GOSHAWK_LABELS_MISMATCH,
 * which name both sides.
 */
export function checkOutputs(claims: GraphClaims, outputs: readonly OutputShape[]): void {
  const { bundle, head, labels, inputWidth, inputHeight } = claims;
  const match = matchHead(head, outputs, { inputWidth, inputHeight }, labels);
  if ('failure' in match) {
    throw new GoshawkError('GOSHAWK_HEAD_MISMATCH', {
      bundle,
      head,
      shapes: describeShapes(outputs),
      reason: match.failure,
    });
  }
  if (match.classes !== null && match.classes !== labels) {
    throw new GoshawkError('GOSHAWK_LABELS_MISMATCH', { bundle, labels, classes: match.classes });
  }
}
