import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import { LetterboxedGraph } from '../inference/letterboxed-graph.ts';
import { claimsOf, nameOf, type Bundle } from '../../model/bundle.ts';
import { INSPECTION } from './equivalence.ts';
import { isEngineContext, isEngineEmbedded } from '../../model/onnx/engine-context.ts';
import { externalFiles } from '../../model/onnx/external-data.ts';
import { MAX_MODEL_BYTES, readModel } from '../../model/onnx/model.ts';
import { readRegularFile } from '../../platform/regular-file.ts';

/** The result for one variant. */
export interface VariantFinding {
  readonly id: string;
  /** false for an engine that only its own device can run; only its digest was checked */
  readonly ran: boolean;
}

/**
 * Runs every variant of a bundle once on the CPU and checks its graph against the manifest. Digests were
 * checked by `loadBundle`. Throws GOSHAWK_MODEL_UNREADABLE, GOSHAWK_BUNDLE_INVALID, GOSHAWK_HEAD_MISMATCH or
 * GOSHAWK_LABELS_MISMATCH.
 */
export async function verifyBundle(bundle: Bundle): Promise<VariantFinding[]> {
  const findings: VariantFinding[] = [];
  const { references } = bundle.manifest;
  if (references !== undefined) {
    const { size } = await stat(join(bundle.folder, references.file));
    if (size !== references.bytes) throw otherSize(bundle, references.file, size, references.bytes);
  }
  for (const { id, file, batch, bytes: stated } of bundle.manifest.variants) {
    const path = join(bundle.folder, file);
    const bytes = await readRegularFile(path, MAX_MODEL_BYTES);
    if (bytes.byteLength !== stated) throw otherSize(bundle, file, bytes.byteLength, stated);
    const model = readModel(bytes, path);
    const [outside] = externalFiles(model);
    if (outside !== undefined) {
      const reason = `${file} has weights in another file (${outside}), which no digest covers`;
      throw new GoshawkError('GOSHAWK_BUNDLE_INVALID', { bundle: nameOf(bundle), reason });
    }
    if (isEngineContext(model)) {
      if (!isEngineEmbedded(model)) throw outsideEngine(bundle, file);
      findings.push({ id, ran: false });
      continue;
    }
    await runOnce(bundle, bytes, batch.max, path);
    findings.push({ id, ran: true });
  }
  return findings;
}

function otherSize(bundle: Bundle, file: string, has: number, stated: number): GoshawkError {
  const reason = `${file} has ${has} bytes, but the manifest says ${stated}`;
  return new GoshawkError('GOSHAWK_BUNDLE_INVALID', { bundle: nameOf(bundle), reason });
}

async function runOnce(bundle: Bundle, bytes: Uint8Array, maxBatch: number, file: string): Promise<void> {
  try {
    const graph = await LetterboxedGraph.load(bytes, claimsOf(bundle.manifest), maxBatch, INSPECTION);
    try {
      await graph.warmUp();
    } finally {
      await graph.close();
    }
  } catch (cause) {
    if (cause instanceof GoshawkError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GoshawkError(
      'GOSHAWK_MODEL_UNREADABLE',
      { file: `${file} of ${nameOf(bundle)}`, reason },
      { cause },
    );
  }
}

function outsideEngine(bundle: Bundle, file: string): GoshawkError {
  return new GoshawkError('GOSHAWK_BUNDLE_INVALID', {
    bundle: nameOf(bundle),
    reason: `${file} names an engine in another file, which no digest covers: build it with ep.context_embed_mode 1`,
  });
}
