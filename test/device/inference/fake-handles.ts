import type { ReferenceCheck } from '../../../src/contract/engine-choice.ts';
import type { Clock } from '../../../src/platform/clock.ts';
import type { RunnerHandle } from '../../../src/device/inference/runner-handle.ts';
import type {
  FromRunner,
  LoadReport,
  RunMessage,
  ToRunner,
} from '../../../src/device/inference/runner-messages.ts';
import type { ProviderCandidate } from '../../../src/device/inference/providers.ts';

/** A clock that moves only when the test advances it. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Map<object, { at: number; callback: () => void }>();

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  startTimer(callback: () => void, ms: number): object {
    const handle = {};
    this.#timers.set(handle, { at: this.#now + ms, callback });
    return handle;
  }

  stopTimer(handle: object): void {
    this.#timers.delete(handle);
  }

  /** Advances the time, firing timers in due order, and lets promises settle in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  get timers(): number {
    return this.#timers.size;
  }
}

/** Lets everything continue that only waits for promises. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

/** A way to run a variant: fp32 on the CPU by default. */
export function candidate(id: string, changes: Partial<ProviderCandidate> = {}): ProviderCandidate {
  return {
    provider: 'cpu',
    fallbacks: [],
    variant: {
      id,
      file: `${id}.onnx`,
      sha256: '0'.repeat(64),
      bytes: 1,
      precision: 'fp32',
      providers: ['cpu'],
      batch: { min: 1, max: 1 },
    },
    exactInt8: false,
    onlyAfterRefusal: false,
    ...changes,
  };
}

export const UNCHECKED: ReferenceCheck = {
  verdict: 'unchecked',
  scores: null,
  boxes: null,
  tolerance: null,
  inputs: 0,
  reason: 'the bundle has no references',
};

export const REPORT: LoadReport = {
  loadMs: 1,
  warmupMs: 2,
  nodesByProvider: { cpu: 3 },
  acceptsRaw: true,
  maxBatch: 1,
  referenceCheck: UNCHECKED,
};

/** A runner under the test's control: faults of threads and processes, on demand. */
export class FakeHandle implements RunnerHandle {
  readonly kind;
  readonly pid = null;
  readonly sent: ToRunner[] = [];
  abandoned = false;
  #onMessage: ((message: FromRunner) => void) | null = null;
  #onExit: ((reason: string) => void) | null = null;

  constructor(kind: RunnerHandle['kind']) {
    this.kind = kind;
  }

  post(message: ToRunner): void {
    this.sent.push(message);
  }

  onMessage(listener: (message: FromRunner) => void): void {
    this.#onMessage = listener;
  }

  onExit(listener: (reason: string) => void): void {
    this.#onExit = listener;
  }

  abandon(): void {
    this.abandoned = true;
  }

  say(message: FromRunner): void {
    this.#onMessage?.(message);
  }

  exit(reason: string): void {
    this.#onExit?.(reason);
  }

  get runs(): RunMessage[] {
    return this.sent.filter((message) => message.type === 'run');
  }

  /** Answers a job with an empty set of detections per image. */
  answer(job: RunMessage): void {
    this.say({
      type: 'done',
      id: job.id,
      items: job.inputs.map(() => ({ ok: true, count: 0, isMeasured: false })),
      slabs: job.slabs,
      pixels: this.kind === 'child' ? [] : job.inputs.map(({ pixels }) => pixels),
      inference: 1,
      decode: 1,
    });
  }
}
