import { isActing, nameOfAction, type DriftPolicy, type PolicyRule } from '../../contract/drift-policy.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { Status } from '../../contract/status.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { PolicyEngine, type ActiveRule, type PolicyStep } from '../../core/drift/policy/policy-engine.ts';
import type { ResultSink } from '../pipeline/frame/frame-result.ts';
import {
  definePart,
  type Attachment,
  type DeviceView,
  type Part,
  type PartContext,
  type PipelineSession,
} from '../runtime/part.ts';
import { engineCondition } from '../runtime/engine-trouble.ts';
import type { PartStatus } from '../runtime/status.ts';
import { desiredState } from './desired.ts';
import { Effects } from './effects.ts';
import { FailedActions, type PolicyTrouble } from './failed-actions.ts';
import { judgementsOf } from './judgements.ts';
import { UnmetNeeds } from './unmet-needs.ts';
import { PolicyFile } from './policy-file.ts';
import { policyMetrics } from './policy-metrics.ts';
import {
  describeBegin,
  describeRule,
  policyTrouble,
  ruleEvent,
  type PolicyRuleSpec,
} from './policy-words.ts';

type EventBody = StreamBody<'event'>;

/** How often verdicts and the file are looked at. */
const LOOK_MS = 1_000;

/** Acts on drift as a policy file says. Starts after the drift part, whose verdicts it reads. */
export const POLICY = definePart({
  parameters: {
    drift_policy: {
      kind: 'string',
      default: '',
      read: 'start',
      description:
        'What to do about drift: a policy in YAML or JSON (docs/policy.md), followed as it changes. Empty: nothing.',
      option: { flags: '--drift-policy <file>', description: 'act on drift as this policy says' },
    },
  },
  example: { drift_policy: 'launch/params/drift-policy.yaml' },
  create: ({ drift_policy: file }, { device, log, publishText }) =>
    file === '' ? null : new Policy(file, device, { log, publishText, nowMs: () => performance.now() }),
});

/** Characters that a clip keeps of its reason. */
const MAX_CLIP_TEXT = 500;

type PolicyDevice = Pick<DeviceView, 'drift' | 'send' | 'capture'>;

interface PolicyOptions extends Pick<PartContext, 'log' | 'publishText'> {
  /** milliseconds that never run backwards */
  readonly nowMs: () => number;
}

/** The policy as a part: looks at the verdicts every second, and does what the rules say. */
export class Policy implements Part {
  readonly name = 'policy';
  readonly #device: PolicyDevice;
  readonly #options: PolicyOptions;
  readonly #file: PolicyFile;
  readonly #effects = new Effects((rule, action, reason) => this.#noteEffect(rule, action, reason));
  readonly #newest = new Map<string, number>();
  readonly #done = new Map<string, number>();
  /** told failures, by action */
  readonly #failures = new Map<string, number>();
  readonly #failed = new FailedActions();
  readonly #unmet: UnmetNeeds;
  #policy: DriftPolicy | null = null;
  #engine: PolicyEngine<PolicyRuleSpec> = new PolicyEngine<PolicyRuleSpec>([], NO_LIMITS);
  #stopped: PolicyTrouble | null = null;
  #refused: PolicyTrouble | null = null;
  #session: PipelineSession | null = null;
  /** true: its model is about to go, and no other one is to be loaded */
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;
  readonly metrics = policyMetrics(() => ({ ...this.#status(), failures: this.#failures }));
  readonly #sink: ResultSink = {
    name: 'policy',
    deliver: ({ envelope }) => void this.#newest.set(envelope.camera, envelope.sequence),
  };

  constructor(file: string, device: PolicyDevice, options: PolicyOptions) {
    this.#device = device;
    this.#options = options;
    this.#unmet = new UnmetNeeds(file);
    this.#file = new PolicyFile(file, {
      onPolicy: (policy) => this.#change(policy),
      onRefused: (error) => this.#refuse(error),
    });
  }

  /** @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_POLICY_INVALID */
  async start(): Promise<void> {
    this.#adopt(await this.#file.open());
    this.#timer = setInterval(() => {
      this.look();
      void this.reread();
    }, LOOK_MS);
  }

  /** Nothing outlives the process but what safe-mode topics say, so those end here. */
  stop(): void {
    clearInterval(this.#timer);
    this.#isEnding = true;
    this.#carryOut(this.#engine.undoAll());
  }

  attach(session: PipelineSession): Attachment {
    this.#session = session;
    this.#newest.clear();
    this.#effects.renew();
    this.#failed.clear();
    this.#unmet.clear();
    this.#isEnding = false;
    return { sink: this.#sink };
  }

  detach(): void {
    this.#isEnding = true;
    this.#carryOut(this.#engine.undoAll());
    this.#session = null;
  }

  /** Looks at the verdicts, and does what is due. */
  look(): void {
    if (this.#session === null) return;
    const drift = this.#device.drift();
    const nowMs = this.#options.nowMs();
    const snapshot = this.#session.snapshot();
    const isDown = engineCondition(snapshot).state === 'down';
    this.#effects.watch({ lost: snapshot.engineLost, isDown }, nowMs);
    this.#carryOut(this.#engine.look(judgementsOf(drift), nowMs, drift?.silent ?? []));
    // another bundle has verdicts of its own, or none
    if (this.#policy === null || !this.#effects.isConfigured) return;
    for (const error of this.#unmet.look(this.#policy, drift)) this.#reportFailure(error);
  }

  /** Reads the file again, and puts another policy in force. Never rejects. */
  reread(): Promise<void> {
    return this.#file.look();
  }

  status(): PartStatus {
    return { policy: this.#status() };
  }

  health(): readonly string[] {
    const troubles = [this.#stopped, this.#refused, ...this.#failed.troubles, ...this.#unmet.troubles];
    return troubles.flatMap((trouble) => (trouble === null ? [] : `${trouble.code}: ${trouble.reason}`));
  }

  #status(): NonNullable<Status['policy']> {
    const nowMs = this.#options.nowMs();
    return {
      file: this.#file.file,
      rules: this.#policy?.rules.length ?? 0,
      active: this.#engine.active.map(({ rule, camera, sinceMs }) => ({
        rule: rule.name,
        camera,
        actions: rule.do.map(nameOfAction),
        seconds: Math.round((nowMs - sinceMs) / 1000),
      })),
      done: Object.fromEntries(this.#done),
      stopped: this.#stopped,
      refused: this.#refused,
      failed: this.#failed.byRule,
      unmet: this.#unmet.byVerdict,
      isFrozen: desiredState(this.#engine.active).isFrozen,
    };
  }

  /** Another policy: what the one before did is undone. */
  #change(policy: DriftPolicy): void {
    this.#refused = null;
    if (JSON.stringify(policy) === JSON.stringify(this.#policy)) return;
    this.#carryOut(this.#engine.undoAll());
    this.#adopt(policy);
  }

  #adopt(policy: DriftPolicy): void {
    this.#policy = policy;
    this.#engine = new PolicyEngine(policy.rules.map(toSpec), policy.limits);
    this.#stopped = null;
    this.#failed.clear();
    this.#effects.forgive();
    const { safeModes } = desiredState(policy.rules.map((rule) => ({ rule })));
    this.#effects.rest(safeModes, this.#options.publishText);
    this.#options.log('info', `policy: ${this.#file.file} is in force, ${String(policy.rules.length)} rules`);
  }

  #refuse(error: GoshawkError): void {
    this.#refused = { code: error.code, reason: error.message };
    this.#report(
      policyTrouble('policy_refused', error.code, error.message),
      `${error.code}: ${error.message}`,
    );
  }

  #carryOut(steps: readonly PolicyStep<PolicyRuleSpec>[]): void {
    for (const step of steps) {
      if (step.kind === 'stop') this.#stop(step.reason);
      else if (step.kind === 'do') this.#begin(step.what);
      else if (step.kind === 'undo') this.#end(step.what);
    }
    if (steps.length > 0 || this.#isEnding) this.#applyEffects();
  }

  #applyEffects(): void {
    const session = this.#session;
    this.#effects.update(desiredState(this.#inOrder()), {
      overrideLimits: session === null ? null : (patch) => session.pipeline.overrideLimits(patch),
      publishText: this.#options.publishText,
      swapModel: session === null || this.#isEnding ? null : (reference) => swapModel(session, reference),
    });
  }

  #inOrder(): readonly ActiveRule<PolicyRuleSpec>[] {
    const names = this.#policy?.rules.map(({ name }) => name) ?? [];
    return this.#engine.active.toSorted((a, b) => names.indexOf(a.rule.name) - names.indexOf(b.rule.name));
  }

  #begin(what: ActiveRule<PolicyRuleSpec>): void {
    for (const action of what.rule.do) {
      const name = nameOfAction(action);
      this.#done.set(name, (this.#done.get(name) ?? 0) + 1);
    }
    const kind = what.rule.acts === 0 ? 'policy_notify' : 'policy_action';
    const event = ruleEvent(kind, what, this.#newest.get(what.camera));
    this.#report(event, `POLICY_ACTION: ${this.#words(what, describeBegin(what))}`);
    if (what.rule.do.includes('capture')) this.#capture(what);
  }

  #end(what: ActiveRule<PolicyRuleSpec>): void {
    this.#failed.end(what.rule.name);
    if (what.rule.acts === 0) return;
    const event = ruleEvent('policy_undone', what, this.#newest.get(what.camera));
    this.#report(event, `POLICY_UNDONE: ${this.#words(what, describeRule(what))}`);
  }

  /** With the frame, so that the log alone tells what it was about. */
  #words({ camera }: ActiveRule<PolicyRuleSpec>, words: string): string {
    const frame = this.#newest.get(camera);
    return `${words} (${frame === undefined ? 'no frame yet' : `frame ${String(frame)}`})`;
  }

  /** Clips that budgets do not allow are reported, and nothing is wrong with the device because of them. */
  #capture(what: ActiveRule<PolicyRuleSpec>): void {
    const text = describeRule(what).slice(0, MAX_CLIP_TEXT);
    const answer = this.#device.capture({ reason: 'policy', text, camera: what.camera, isProtected: false });
    const reason = 'code' in answer ? `${answer.code}: ${answer.reason}` : null;
    const { name: rule } = what.rule;
    if (reason === null || ('code' in answer && answer.code === 'GOSHAWK_CAPTURE_OFF'))
      this.#noteEffect(rule, 'capture', reason);
    else
      this.#failAction(
        'capture',
        new GoshawkError('GOSHAWK_POLICY_ACTION', { rule, action: 'capture', reason }),
        'warning',
      );
  }

  #noteEffect(rule: string, action: string, reason: string | null): void {
    const error = this.#failed.note(rule, action, reason);
    if (error !== null) this.#failAction(action, error);
  }

  #failAction(action: string, error: GoshawkError, severity?: 'warning' | 'error'): void {
    this.#failures.set(action, (this.#failures.get(action) ?? 0) + 1);
    this.#reportFailure(error, severity);
  }

  #reportFailure({ code, message }: GoshawkError, severity: 'warning' | 'error' = 'error'): void {
    this.#report(policyTrouble('policy_failed', code, message, severity), `${code}: ${message}`);
  }

  #stop(reason: string): void {
    const error = new GoshawkError('GOSHAWK_POLICY_STOPPED', { file: this.#file.file, reason });
    this.#stopped = { code: error.code, reason: error.message };
    this.#report(
      policyTrouble('policy_stopped', error.code, error.message),
      `${error.code}: ${error.message}`,
    );
  }

  #report(event: EventBody, line: string): void {
    this.#options.log(event.severity === 'info' ? 'info' : 'warn', line);
    this.#device.send('event', () => event);
  }
}

/** False if the pipeline drains or closes meanwhile. */
async function swapModel(session: PipelineSession, reference: string | null): Promise<boolean> {
  try {
    await session.swapModel(reference);
    return true;
  } catch (error) {
    const { state } = session.snapshot();
    if (state === 'draining' || state === 'closing' || state === 'closed') return false;
    throw error;
  }
}

const NO_LIMITS = { actions_per_hour: 1, alternations_per_hour: 0 } as const;

function toSpec(rule: PolicyRule): PolicyRuleSpec {
  const { name, when, sticky, do: actions } = rule;
  const retries = actions.map((action) =>
    typeof action === 'object' && 'fallback' in action ? action.fallback.retry_s : 0,
  );
  return {
    name,
    when,
    sticky,
    do: actions,
    acts: actions.filter(isActing).length,
    holdMs: 1000 * Math.max(...retries),
  };
}
