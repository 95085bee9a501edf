import { join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import type { OptimizeReport } from '../../contract/optimize.ts';
import { claimsOf } from '../../model/bundle.ts';
import { readModel } from '../../model/onnx/model.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { listSupportedProviders } from '../../device/inference/providers.ts';
import { finish, isTensorrt, type Choice } from './finish.ts';
import { checkOptions, type OptimizeOptions } from './options.ts';
import { cleanGraph, openTools, readInputs, type Cleaned, type Inputs, type Tools } from './preparation.ts';
import { Schedule, type OnProgressEvent } from './progress.ts';
import { QuantizerError } from './quantizer.ts';
import { makeOptimizeReport } from './report.ts';
import { Search, type SearchResult } from './search.ts';
import { readGraph } from './source-model.ts';
import { writeError, WorkFolder } from './work-folder.ts';
import { CandidateBuilder } from './candidate-builder.ts';
import { variantsOf, writeOptimized } from './write-variants.ts';

/** The result of a run. */
export interface OptimizeResult {
  readonly report: OptimizeReport;
  /** folder of the bundle; null if none was written because the latency target was not met */
  readonly folder: string | null;
  /** folder with the finished steps, and its size in bytes */
  readonly work: { readonly folder: string; readonly bytes: number };
  /** set if the latency target was not met; to be thrown once the report is written */
  readonly missed: GoshawkError | null;
}

/** Key of the activation ranges that quantization-aware training leaves in a model. */
const TRAINED_RANGES = 'goshawk.activation_ranges';

/**
 * Makes a model smaller and faster without losing more accuracy than allowed, with measurements as proof:
 * cleans the graph, quantizes it in every way that may help, searches mixed precision, measures each
 * candidate against the original, and writes a bundle with the best. Finished steps are kept in the work
 * folder, so that a run continues after an interruption or a kill. Throws coded errors; then nothing but the
 * work folder is written.
 */
export async function optimize(
  options: OptimizeOptions,
  signal: AbortSignal,
  onProgress: OnProgressEvent,
): Promise<OptimizeResult> {
  checkOptions(options);
  const workFolder = options.work ?? join(options.out, '.optimize');
  const work = await WorkFolder.open(workFolder, options.fresh);
  const budget = options.timeBudgetMinutes === null ? null : options.timeBudgetMinutes * 60;
  const schedule = new Schedule(budget, work, onProgress, () => performance.now());
  let tools: Tools | null = null;
  try {
    const inputs = await readInputs(options, work, schedule, signal);
    tools = await openTools(options, inputs, work, schedule, signal);
    return await new Run(options, work, schedule, signal, inputs, tools).run();
  } catch (error) {
    if (signal.aborted) {
      const what = `optimize (finished steps are kept in ${workFolder})`;
      throw new GoshawkError('GOSHAWK_INTERRUPTED', { what }, { cause: error });
    }
    if (error instanceof QuantizerError) {
      const details = { step: schedule.step, reason: error.message, log: join(workFolder, 'quantizer.log') };
      throw new GoshawkError('GOSHAWK_OPTIMIZE_QUANTIZER', details, { cause: error });
    }
    throw writeError(workFolder, error);
  } finally {
    await tools?.quantizer.close();
    await work.close();
  }
}

/** One run, once everything is open. */
class Run {
  readonly #options: OptimizeOptions;
  readonly #work: WorkFolder;
  readonly #schedule: Schedule;
  readonly #signal: AbortSignal;
  readonly #inputs: Inputs;
  readonly #tools: Tools;
  readonly #startedAt = new Date();
  readonly #host = describeHost(
    listSupportedProviders()
      .filter(({ available }) => available)
      .map(({ provider }) => provider),
  );

  constructor(
    options: OptimizeOptions,
    work: WorkFolder,
    schedule: Schedule,
    signal: AbortSignal,
    inputs: Inputs,
    tools: Tools,
  ) {
    this.#options = options;
    this.#work = work;
    this.#schedule = schedule;
    this.#signal = signal;
    this.#inputs = inputs;
    this.#tools = tools;
  }

  async run(): Promise<OptimizeResult> {
    const { maxApDrop, maxLatencyMs, threads, out } = this.#options;
    const claims = claimsOf(this.#inputs.source.bundle.manifest);
    const cleaned = await this.#schedule.run('clean', () =>
      cleanGraph(this.#inputs, this.#tools, this.#work),
    );
    const search = await this.#schedule.run('search', () => this.#search(cleaned));
    const choice = await this.#schedule.run('final measurements', () => {
      this.#schedule.begin('final', '', {});
      const settings = { maxApDrop, maxLatencyMs, claims, threads, signal: this.#signal };
      return finish(search.ranked, this.#tools.judge, settings);
    });
    const chosen = await variantsOf(choice, threads, this.#tools.machine.kind);
    const missed = choice.meetsLatency === false ? targetMissed(choice, maxLatencyMs ?? 0) : null;
    const toolVersions = { ...this.#tools.versions, node: process.versions.node };
    const bundle =
      missed !== null
        ? null
        : await this.#schedule.run('bundle', () =>
            writeOptimized(out, chosen, {
              inputs: this.#inputs,
              host: this.#host,
              machine: this.#tools.machine,
              startedAt: this.#startedAt,
              hyperparameters: this.#hyperparameters(),
              toolVersions,
              codeDigest: this.#tools.command.codeDigest,
            }),
          );
    const report = makeOptimizeReport({
      options: this.#options,
      startedAt: this.#startedAt,
      seconds: this.#schedule.elapsed,
      host: this.#host,
      bundle: bundle && {
        name: bundle.manifest.name,
        version: bundle.manifest.version,
        digest: bundle.digest,
      },
      inputs: this.#inputs,
      cleaned,
      search,
      choice,
      chosen,
      tensorrt: tensorrtFindings(search),
      machine: this.#tools.machine,
      toolVersions,
      processPeakBytes: process.resourceUsage().maxRSS * 1024,
      quantizerPeakBytes: this.#tools.quantizer.peakBytes,
      steps: this.#schedule.steps,
    });
    const work = { folder: this.#work.folder, bytes: await this.#work.usedBytes() };
    return { report, folder: bundle?.folder ?? null, work, missed };
  }

  async #search(cleaned: Cleaned): Promise<SearchResult> {
    const { source, calibration } = this.#inputs;
    const { judge, judgeDigest, machine, command, quantizer } = this.#tools;
    const original = { file: source.file, sha256: source.sha256 };
    let what = '';
    const builder = new CandidateBuilder({
      work: this.#work,
      quantizer,
      codeDigest: command.codeDigest,
      judge,
      judgeDigest,
      machine: { fingerprint: machine.digest, node: process.version },
      arithmetic: machine.int8,
      original,
      base: cleaned.graph,
      calibration,
      claims: claimsOf(source.bundle.manifest),
      threads: this.#options.threads,
      signal: this.#signal,
      onProgress: (share) => {
        this.#schedule.advance(share, `${what}, ${Math.round(100 * share)} %`);
      },
    });
    const schedule = this.#schedule;
    const model = readModel(await readGraph(source.file), source.file);
    const search = new Search(
      {
        try: (plan) => builder.try(plan),
        sensitivity: (scheme) => {
          return builder.sensitivity(scheme).catch((error: unknown) => {
            if (error instanceof QuantizerError) return [];
            throw error;
          });
        },
        hasTime: (kind) => schedule.hasTime(kind),
        onStep: (kind, name, left) => {
          what = name;
          schedule.begin(kind, name, left);
        },
      },
      {
        maxApDrop: this.#options.maxApDrop,
        originalAp: judge.originalSearchAp,
        original: { id: 'original', kind: 'original', graph: original },
        clean: { id: 'clean', kind: 'clean', graph: cleaned.graph },
        arithmetic: machine.int8,
        hasTrainedRanges: model.metadataProps.some(({ key }) => key === TRAINED_RANGES),
      },
    );
    return search.run();
  }

  #hyperparameters(): Record<string, unknown> {
    const { maxApDrop, maxLatencyMs, threads, seed, searchShare, timeBudgetMinutes } = this.#options;
    return { maxApDrop, maxLatencyMs, threads, seed, searchShare, timeBudgetMinutes };
  }
}

function targetMissed(choice: Choice, target: number): GoshawkError {
  const fastest = (choice.fastest.candidate.latency?.p50 ?? 0).toFixed(2);
  return new GoshawkError('GOSHAWK_OPTIMIZE_TARGET', { target, fastest });
}

function tensorrtFindings({
  ranked,
}: SearchResult): { candidate: string; findings: readonly string[] } | null {
  const entry = ranked.find(isTensorrt);
  return entry === undefined
    ? null
    : { candidate: entry.candidate.plan.id, findings: entry.candidate.findings };
}
