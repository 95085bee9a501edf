import type { BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import type { Lineage, LineageStage } from '../contract/lineage.ts';
import { nameOf, type Bundle } from './bundle.ts';
import { checkDigests, checksHold, type DigestCheck, type FilesAtHand } from './lineage-checks.ts';
import type { LineageSources, Reference } from './lineage-sources.ts';

/** Maximum number of generations. A real lineage has a handful. */
const MAX_DEPTH = 32;

/** Maximum number of nodes. The same bundle is visited once. */
const MAX_NODES = 500;

/** What is known about an available bundle. */
export interface LineageFactsOfBundle {
  readonly folder: string;
  /** stages by name, first to last; inferred for older bundles */
  readonly made: readonly string[];
  /** when it was made or its last stage ended; null if not recorded */
  readonly when: string | null;
  readonly codeCommit: string | null;
  /** of the first evaluation */
  readonly ap: number | null;
  /** total size of all variants */
  readonly bytes: number;
  /** the fastest measured variant */
  readonly latency: { readonly variant: string; readonly p50: number; readonly host: string } | null;
  readonly stages: readonly LineageStage[];
  readonly evaluation: NonNullable<BundleManifest['evaluation']>;
}

/** A bundle in the tree of what it was made from. */
export interface LineageNode {
  readonly name: string;
  readonly version: string | null;
  readonly digest: string;
  /** what it contributed to its child: `weights`, `teacher`; null for the root bundle */
  readonly role: string | null;
  /**
   * `here`: available, with the digest that its child states. `checkpoint`: available, and its child states
   * the digest of a checkpoint that it was made from. `repeated`: shown before. `missing`: not available.
   * `different`: something else has this name or digest.
   */
  readonly state: 'here' | 'checkpoint' | 'repeated' | 'missing' | 'different';
  /** explanation of the state, if it needs one */
  readonly note: string | null;
  /** null if the bundle is not available */
  readonly facts: LineageFactsOfBundle | null;
  readonly checks: readonly DigestCheck[];
  readonly parents: readonly LineageNode[];
}

interface Edge extends Reference {
  readonly role: string;
}

/** Follows the stated parents of bundles and checks every digest whose content is available. */
export class LineageReader {
  readonly #sources: LineageSources;
  readonly #files: FilesAtHand;
  readonly #seen = new Set<string>();

  constructor(sources: LineageSources, files: FilesAtHand = new Map()) {
    this.#sources = sources;
    this.#files = files;
  }

  /**
   * The tree from a bundle to its oldest known ancestors. Throws GOSHAWK_LINEAGE_INVALID for a cycle or a
   * lineage that is too deep or too large.
   */
  read(bundle: Bundle): Promise<LineageNode> {
    this.#seen.clear();
    return this.#nodeOf(bundle, { role: null, state: 'here', note: null }, []);
  }

  async #nodeOf(
    bundle: Bundle,
    edge: Pick<LineageNode, 'role' | 'state' | 'note'>,
    path: readonly Bundle[],
  ): Promise<LineageNode> {
    this.#refuseEndless(bundle, path);
    const repeated = this.#seen.has(bundle.digest);
    this.#seen.add(bundle.digest);
    const { name, version } = bundle.manifest;
    const head = { name, version, digest: bundle.digest, facts: factsOf(bundle), ...edge };
    if (repeated) {
      return { ...head, state: edge.state === 'here' ? 'repeated' : edge.state, checks: [], parents: [] };
    }
    const parents: LineageNode[] = [];
    for (const parent of edgesOf(bundle)) parents.push(await this.#follow(parent, [...path, bundle]));
    const weights = bundle.manifest.lineage.parents.filter(({ role = 'weights' }) => role === 'weights');
    const atHand = weights.flatMap(({ name, version, digest }) => {
      const found = this.#sources.find({ name, version: version ?? null, digest });
      return found.kind === 'bundle' ? [found.bundle] : [];
    });
    return { ...head, checks: await checkDigests(bundle, this.#files, atHand), parents };
  }

  #refuseEndless(bundle: Bundle, path: readonly Bundle[]): void {
    const refuse = (reason: string): never => {
      throw new GoshawkError('GOSHAWK_LINEAGE_INVALID', { bundle: nameOf(path[0] ?? bundle), reason });
    };
    const first = path.findIndex(({ digest }) => digest === bundle.digest);
    if (first >= 0) {
      const round = [...path.slice(first), bundle].map(
        ({ manifest }) => `${manifest.name}@${manifest.version}`,
      );
      refuse(`it goes in a circle: ${round.join(' from ')}`);
    }
    if (path.length > MAX_DEPTH) refuse(`it goes back more than ${MAX_DEPTH} generations`);
    if (this.#seen.size > MAX_NODES) refuse(`it names more than ${MAX_NODES} bundles`);
  }

  async #follow(edge: Edge, path: readonly Bundle[]): Promise<LineageNode> {
    const found = this.#sources.find(edge);
    const { name, version, digest, role } = edge;
    const absent = { name, version, digest, role, facts: null, checks: [], parents: [] };
    if (found.kind === 'missing') return { ...absent, state: 'missing', note: null };
    if (found.kind === 'other') return { ...absent, state: 'different', note: found.note };
    const { manifest } = found.bundle;
    if (found.kind === 'checkpoint') {
      return this.#nodeOf(
        found.bundle,
        { role, state: 'checkpoint', note: `by checkpoint ${digest.slice(0, 12)}` },
        path,
      );
    }
    const renamed = manifest.name !== name || (version !== null && manifest.version !== version);
    const called = version === null ? name : `${name}@${version}`;
    return this.#nodeOf(
      found.bundle,
      { role, state: renamed ? 'different' : 'here', note: renamed ? `its child calls it ${called}` : null },
      path,
    );
  }
}

/** The stated parents of a bundle, then the teachers of its stages; each digest once. */
function edgesOf({ manifest }: Bundle): Edge[] {
  const { parents, stages = [] } = manifest.lineage;
  const edges = new Map<string, Edge>();
  for (const { name, version, digest, role } of parents) {
    edges.set(digest, { name, version: version ?? null, digest, role: role ?? 'weights' });
  }
  for (const { teacher } of stages) {
    if (teacher === undefined || edges.has(teacher.digest)) continue;
    const { name, version, digest } = teacher;
    edges.set(digest, { name, version: version ?? null, digest, role: 'teacher' });
  }
  return [...edges.values()];
}

function factsOf({ manifest, folder }: Bundle): LineageFactsOfBundle {
  const { lineage, variants, evaluation = [] } = manifest;
  const stages = lineage.stages ?? [];
  const measured = variants
    .flatMap(({ id, latencyMs }) => (latencyMs === undefined ? [] : [{ variant: id, ...latencyMs }]))
    .sort((a, b) => a.p50 - b.p50);
  const [fastest] = measured;
  return {
    folder,
    made: stages.length > 0 ? stages.map(({ stage }) => stage) : madeBefore(lineage),
    when:
      lineage.createdAt ?? stages.findLast(({ finishedAt }) => finishedAt !== undefined)?.finishedAt ?? null,
    codeCommit: lineage.codeCommit ?? null,
    ap: evaluation[0]?.ap ?? null,
    bytes: variants.reduce((sum, { bytes }) => sum + bytes, 0),
    latency:
      fastest === undefined ? null : { variant: fastest.variant, p50: fastest.p50, host: fastest.host },
    stages,
    evaluation,
  };
}

/** The stages of a bundle that was written before stages were recorded. */
function madeBefore(lineage: Lineage): string[] {
  return [...('training' in lineage ? ['train'] : []), lineage.tool.replace('goshawk models ', '')];
}

/** Every node of a tree, each child before its parents. */
export function* nodesOf(node: LineageNode): Generator<LineageNode> {
  yield node;
  for (const parent of node.parents) yield* nodesOf(parent);
}

/**
 * True unless available content contradicts the lineage. Content that is not available proves nothing either
 * way.
 */
export function lineageHolds(root: LineageNode): boolean {
  return [...nodesOf(root)].every(({ state, checks }) => state !== 'different' && checksHold(checks));
}
