import { join } from 'node:path';
import { z } from 'zod';
import type { BundleManifest } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { admitBytes } from '../../core/admission/compressed.ts';
import { uprightSize } from '../../core/image/read-header.ts';
import { parseJson } from '../../contract/json.ts';
import {
  MAX_REFERENCE_BYTES,
  referencesSchema,
  type ReferenceInput,
  type References,
  type VariantReference,
} from '../../contract/references.ts';
import { enlargeImage, noiseImage } from '../../core/references/synthetic.ts';
import { sha256Of } from '../../platform/digest.ts';
import { decodeToRgb } from '../imaging/decode-image.ts';
import { readRegularFile } from '../../platform/regular-file.ts';

/** References that match the bundle's manifest, ready to run. */
export interface LoadedReferences {
  /** images of the network's size, uint8 RGB */
  readonly inputs: readonly Uint8Array<ArrayBuffer>[];
  /** by id of the variant */
  readonly variants: ReadonlyMap<string, VariantReference>;
}

/** The part of a bundle that its references belong to. */
export interface ReferencedBundle {
  readonly folder: string;
  readonly manifest: BundleManifest;
}

/**
 * Reads and checks the references of a bundle; null if it has none (bundles of older versions). Throws
 * GOSHAWK_FILE_UNREADABLE if the file is missing, GOSHAWK_BUNDLE_DIGEST if it was changed,
 * GOSHAWK_REFERENCES_INVALID if it is too large, does not follow the schema, was made for another file of a
 * variant, or decodes to other pixels.
 */
export async function readReferences(referenced: ReferencedBundle): Promise<LoadedReferences | null> {
  const references = await loadReferencesFile(referenced);
  if (references === null) return null;
  const { manifest } = referenced;
  const bundle = `${manifest.name}@${manifest.version}`;
  const inputs: Uint8Array<ArrayBuffer>[] = [];
  for (const [index, input] of references.inputs.entries()) {
    inputs.push(await pixelsOf(input, manifest.input, `input ${index + 1}`, bundle));
  }
  return { inputs, variants: new Map(references.variants.map((variant) => [variant.id, variant])) };
}

/** As `readReferences`, without decoding the inputs. */
export async function loadReferencesFile({ folder, manifest }: ReferencedBundle): Promise<References | null> {
  const entry = manifest.references;
  if (entry === undefined) return null;
  const bundle = `${manifest.name}@${manifest.version}`;
  const file = join(folder, entry.file);
  const bytes = await readBytes(file, bundle);
  const actual = sha256Of(bytes);
  if (actual !== entry.sha256) {
    throw new GoshawkError('GOSHAWK_BUNDLE_DIGEST', {
      bundle,
      file: entry.file,
      actual,
      expected: entry.sha256,
    });
  }
  const references = parseReferences(bytes, bundle);
  checkVariants(references, manifest, bundle);
  return references;
}

function invalid(bundle: string, reason: string, cause?: unknown): GoshawkError {
  return new GoshawkError('GOSHAWK_REFERENCES_INVALID', { bundle, reason }, { cause });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function readBytes(file: string, bundle: string): Promise<Uint8Array> {
  try {
    return await readRegularFile(file, MAX_REFERENCE_BYTES);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) {
      throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: messageOf(cause) }, { cause });
    }
    throw invalid(bundle, messageOf(cause), cause);
  }
}

/** Parses the bytes of references.json. Throws GOSHAWK_REFERENCES_INVALID. */
function parseReferences(bytes: Uint8Array, bundle: string): References {
  let value: unknown;
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(bundle, messageOf(cause), cause);
  }
  const parsed = referencesSchema.safeParse(value);
  if (!parsed.success) throw invalid(bundle, z.prettifyError(parsed.error).slice(0, 2000));
  return parsed.data;
}

function checkVariants(references: References, manifest: BundleManifest, bundle: string): void {
  const inputs = references.inputs.length;
  for (const { id, sha256, outputs } of references.variants) {
    const variant = manifest.variants.find((entry) => entry.id === id);
    if (variant === undefined) throw invalid(bundle, `they are for a variant ${id}, which does not exist`);
    if (variant.sha256 !== sha256) {
      throw invalid(bundle, `those of variant ${id} were made for another file (${sha256.slice(0, 12)})`);
    }
    const torn = outputs.some(
      ({ places, classes, scores, boxes }) =>
        classes.length !== places.length ||
        scores.length !== places.length ||
        boxes.length !== 4 * places.length,
    );
    if (outputs.length !== inputs || torn) {
      throw invalid(bundle, `those of variant ${id} do not have the values for ${inputs} inputs`);
    }
  }
}

type Size = Pick<BundleManifest['input'], 'width' | 'height'>;

async function pixelsOf(
  input: ReferenceInput,
  size: Size,
  name: string,
  bundle: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const pixels =
    input.kind === 'noise'
      ? noiseImage(size, input.seed, input.block)
      : await decode(input, size, name, bundle);
  if (digestOfPixels(pixels) !== input.sha256) throw invalid(bundle, `${name} decodes to other pixels`);
  return pixels;
}

async function decode(
  { data, enlarge }: Extract<ReferenceInput, { kind: 'picture' }>,
  { width, height }: Size,
  name: string,
  bundle: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const small = { width: Math.ceil(width / enlarge), height: Math.ceil(height / enlarge) };
  const admitted = admitBytes(Buffer.from(data, 'base64'));
  if (!admitted.ok) throw invalid(bundle, `${name} is not an image: ${admitted.detail}`);
  const found = uprightSize(admitted.view.header);
  if (found.width !== small.width || found.height !== small.height) {
    throw invalid(bundle, `${name} is ${found.width}x${found.height}, not ${small.width}x${small.height}`);
  }
  try {
    const image = await decodeToRgb(admitted.view);
    return enlargeImage(image.data, small, enlarge, { width, height });
  } catch (cause) {
    throw invalid(bundle, `${name} is not an image: ${messageOf(cause)}`, cause);
  }
}

/** sha256 of pixels as hex. */
export function digestOfPixels(pixels: Uint8Array): string {
  return sha256Of(pixels);
}
