import type { DriftTopic } from '../../contract/drift-topic.ts';
import type { Status } from '../../contract/status.ts';
import type { PublishText } from '../../device/runtime/part.ts';

type DriftStatus = NonNullable<Status['drift']>;

/** The topic, of the node. */
export const DRIFT_TOPIC = '~/drift';

/**
 * Publishes what is known of drift when a camera's state or the bundle changes and when a window ends. States last for
 * many seconds, so looking at them twice a second misses none.
 */
export class DriftTopicPublisher {
  readonly #publish: PublishText;
  /** what the latched message says of states; empty if it says nothing, or if there is none */
  #states = '';
  #windows = 0;

  constructor(publish: PublishText) {
    this.#publish = publish;
  }

  /** @param drift absent unless frames are measured, and without a session */
  update(drift: DriftStatus | undefined, bundle: DriftTopic['bundle']): void {
    const { verdicts, accuracy = {}, unjudged = {}, windows = this.#windows } = drift ?? {};
    const isOver = windows !== this.#windows;
    this.#windows = windows;
    // late subscribers must not take what an earlier session said for what is so now
    const hasNothing = verdicts === undefined && Object.keys(accuracy).length === 0;
    const states = hasNothing ? '' : statesOf({ verdicts, accuracy, unjudged }, bundle);
    const isChanged = states !== this.#states;
    if (!isChanged && (hasNothing || !isOver)) return;
    this.#states = states;
    const because = isChanged ? 'state' : 'window';
    const known = { verdicts: verdicts ?? {}, accuracy, unjudged };
    const message: DriftTopic = { schema: 'goshawk.drift-topic/1', because, bundle, ...known };
    this.#publish(DRIFT_TOPIC, JSON.stringify(message));
  }
}

type Known = Pick<DriftStatus, 'verdicts' | 'accuracy' | 'unjudged'>;

function statesOf({ verdicts, accuracy, unjudged }: Known, bundle: DriftTopic['bundle']): string {
  const byCamera = (found: Readonly<Record<string, { readonly state: string }>> = {}): string[][] =>
    Object.entries(found).map(([camera, { state }]) => [camera, state]);
  return JSON.stringify([
    bundle?.digest,
    byCamera(verdicts),
    byCamera(accuracy),
    Object.keys(unjudged ?? {}),
  ]);
}
