import native from 'rclnodejs/lib/native_loader.js';
import { describeError } from '../contract/errors.ts';
import type { Log } from './log.ts';
import { rcl, type LifecycleNode } from './rcl.ts';
import { debugLog } from '../platform/debug.ts';

const debug = debugLog('lifecycle');

/** Transitions that can be requested, by rcl's labels and the ids of `lifecycle_msgs/msg/Transition`. */
const TRANSITIONS = { configure: 1, cleanup: 2, activate: 3, deactivate: 4 } as const;
/** `lifecycle_msgs/msg/State`: the work of each transition state. */
const WORK_OF_STATE: Readonly<Record<number, keyof LifecycleWork>> = {
  10: 'configure',
  11: 'cleanup',
  12: 'shutdown',
  13: 'activate',
  14: 'deactivate',
};

export type LifecycleRequest = keyof typeof TRANSITIONS;

/**
 * What a managed node does in each transition; a rejection fails the transition, and the node returns to its previous
 * state.
 */
export interface LifecycleWork {
  configure(): Promise<void>;
  activate(): Promise<void>;
  deactivate(): Promise<void>;
  cleanup(): Promise<void>;
  shutdown(): Promise<void>;
}

interface ChangeStateRequest {
  readonly transition: { readonly id: number; readonly label: string };
}
interface ServiceResponse {
  send(response: { success: boolean }): void;
}
/** Private members of rclnodejs. */
interface Internals {
  readonly _stateMachineHandle: unknown;
  _onChangeState: (request: ChangeStateRequest, response: ServiceResponse) => Promise<void>;
}

/**
 * Drives a lifecycle node's state machine with work that takes time. rclnodejs calls transition callbacks
 * synchronously, but loading a model takes seconds and must not block the thread that receives frames. Here the node is
 * `configuring` until the work is done, and services keep answering.
 */
export class ManagedLifecycle {
  readonly #node: LifecycleNode;
  readonly #machine: unknown;
  readonly #work: LifecycleWork;
  readonly #log: Log;
  #running: Promise<boolean> = Promise.resolve(true);

  constructor(node: LifecycleNode, work: LifecycleWork, log: Log) {
    this.#node = node;
    this.#work = work;
    this.#log = log;
    const internals = node as unknown as Internals;
    this.#machine = internals._stateMachineHandle;
    internals._onChangeState = async (request, response) =>
      response.send({ success: await this.#answer(request) });
  }

  /** Label of the state, such as `inactive` or `configuring`. */
  get state(): string {
    return (this.#node.currentState as unknown as { label: string }).label;
  }

  /** Starts a transition; resolves to whether it was allowed and succeeded. Never rejects: failures are logged. */
  change(request: LifecycleRequest): Promise<boolean> {
    return this.#change(TRANSITIONS[request]);
  }

  /** Resolves once the transition in progress, if any, is over. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #answer({ transition }: ChangeStateRequest): Promise<boolean> {
    if (transition.label === '') return this.#change(transition.id);
    const known = native.getLifecycleTransitionByLabel(this.#machine, transition.label);
    if (known.id !== undefined) return this.#change(known.id);
    this.#log.warn(`there is no transition "${transition.label}" from state ${this.state}`);
    return Promise.resolve(false);
  }

  #change(id: number): Promise<boolean> {
    const before = this.state;
    let during: number;
    try {
      during = native.triggerLifecycleTransitionById(this.#machine, id).id;
    } catch {
      this.#log.warn(`transition ${id} is not possible in state ${before}`);
      return Promise.resolve(false);
    }
    this.#running = this.#finish(during);
    return this.#running;
  }

  async #finish(during: number): Promise<boolean> {
    const name = WORK_OF_STATE[during];
    debug(() => `${name ?? 'transition'} begins`);
    let outcome = 'transition_success';
    try {
      if (name !== undefined) await this.#work[name]();
    } catch (error) {
      outcome = 'transition_failure';
      this.#log.error(`${name} failed: ${describeError(error)}`);
    }
    // The context may be gone: a signal does not wait for a model that is still loading.
    if (!rcl.isShutdown()) native.triggerLifecycleTransitionByLabel(this.#machine, outcome);
    debug(
      () => `${name ?? 'transition'} ended: ${outcome}, now ${rcl.isShutdown() ? 'shut down' : this.state}`,
    );
    return outcome === 'transition_success';
  }
}
