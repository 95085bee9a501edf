import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { bundleManifestSchema, type BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import { parseJson } from '../contract/json.ts';
import type { Head } from '../core/heads/head-table.ts';
import { sha256Of } from '../platform/digest.ts';
import { openRegularFile, readRegularFile } from '../platform/regular-file.ts';

/** A bundle whose manifest was read and whose files match the digests in it. */
export interface Bundle {
  readonly manifest: BundleManifest;
  /** folder with bundle.json and the files */
  readonly folder: string;
  /** sha256 of bundle.json's bytes: the bundle's identity on every message, metric and record */
  readonly digest: string;
}

/** Manifests have a few kilobytes; the drift reference of a large one a few hundred. */
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;

export const MANIFEST_FILE = 'bundle.json';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** sha256 of a file, read in chunks. Throws GOSHAWK_FILE_UNREADABLE. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    const { handle } = await openRegularFile(file);
    await pipeline(handle.createReadStream(), hash);
  } catch (cause) {
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: messageOf(cause) }, { cause });
  }
  return hash.digest('hex');
}

/**
 * Reads a bundle's manifest without checking its files. Throws GOSHAWK_BUNDLE_NOT_FOUND or
 * GOSHAWK_BUNDLE_INVALID.
 */
export async function readManifest(folder: string): Promise<Bundle> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(join(folder, MANIFEST_FILE), MAX_MANIFEST_BYTES);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause)
      throw new GoshawkError('GOSHAWK_BUNDLE_NOT_FOUND', { bundle: folder }, { cause });
    throw new GoshawkError('GOSHAWK_BUNDLE_INVALID', { bundle: folder, reason: messageOf(cause) }, { cause });
  }
  return {
    manifest: parseManifest(bytes, folder),
    folder,
    digest: sha256Of(bytes),
  };
}

/** Parses the bytes of a bundle.json. Throws GOSHAWK_BUNDLE_INVALID with the place and the reason. */
export function parseManifest(bytes: Uint8Array, bundle: string): BundleManifest {
  let value: unknown;
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new GoshawkError('GOSHAWK_BUNDLE_INVALID', { bundle, reason: messageOf(cause) }, { cause });
  }
  const parsed = bundleManifestSchema.safeParse(value);
  if (!parsed.success) {
    throw new GoshawkError('GOSHAWK_BUNDLE_INVALID', { bundle, reason: z.prettifyError(parsed.error) });
  }
  return parsed.data;
}

/** Every file that a bundle's manifest names, with its digest. */
export function filesNamed({
  variants,
  references,
}: BundleManifest): readonly { readonly file: string; readonly sha256: string }[] {
  return references === undefined ? variants : [...variants, references];
}

/**
 * Reads a bundle and checks every file that it names. Throws GOSHAWK_BUNDLE_NOT_FOUND,
 * GOSHAWK_BUNDLE_INVALID, GOSHAWK_FILE_UNREADABLE or GOSHAWK_BUNDLE_DIGEST.
 */
export async function loadBundle(folder: string): Promise<Bundle> {
  const bundle = await readManifest(folder);
  for (const { file, sha256: expected } of filesNamed(bundle.manifest)) {
    const actual = await sha256OfFile(join(folder, file));
    if (actual !== expected) {
      throw new GoshawkError('GOSHAWK_BUNDLE_DIGEST', { bundle: nameOf(bundle), file, actual, expected });
    }
  }
  return bundle;
}

/** `name@version`, for messages. */
export function nameOf({ manifest, folder }: Bundle): string {
  return `${manifest.name}@${manifest.version} (${basename(folder)})`;
}

/** What a manifest claims about the graphs of its variants. */
export interface GraphClaims {
  /** `name@version`, for messages */
  readonly bundle: string;
  readonly head: Head;
  /** number of labels */
  readonly labels: number;
  /** pixels */
  readonly inputWidth: number;
  readonly inputHeight: number;
}

/** What a manifest claims about the graphs of its variants. */
export function claimsOf(manifest: BundleManifest): GraphClaims {
  return {
    bundle: `${manifest.name}@${manifest.version}`,
    head: manifest.head,
    labels: manifest.labels.length,
    inputWidth: manifest.input.width,
    inputHeight: manifest.input.height,
  };
}
