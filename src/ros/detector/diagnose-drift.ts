import type { Status } from '../../contract/status.ts';
import { accuracyWords } from '../../core/drift/window-accuracy.ts';
import { verdictWords } from '../../core/drift/window-verdict.ts';
import type { DiagnosticStatus } from '../diagnostics.ts';

type DriftStatus = NonNullable<Status['drift']>;
type StatusAccuracy = NonNullable<DriftStatus['accuracy']>[string];
type StatusVerdict = NonNullable<DriftStatus['verdicts']>[string];

const LEVELS = { ok: 'ok', suspect: 'ok', drifted: 'warn', recovering: 'ok' } as const;

/**
 * Whether the input of each camera changed, and whether the model sees worse. Cameras without a reference have no entry
 * of the first kind.
 */
export function diagnoseDrift({ verdicts, unjudged, uncompared, accuracy }: DriftStatus): DiagnosticStatus[] {
  return [
    ...Object.entries(verdicts ?? {}).map(([camera, verdict]) =>
      diagnoseVerdict(camera, verdict, accuracy?.[camera]),
    ),
    ...Object.entries(unjudged ?? {}).map(([camera, { code, reason }]): DiagnosticStatus => ({
      name: `drift ${camera}`,
      level: 'warn',
      message: `${code}: ${reason}`,
      values: { code },
    })),
    ...(uncompared === undefined
      ? []
      : [
          {
            name: 'drift reference',
            level: 'warn' as const,
            message: `${uncompared.code}: ${uncompared.reason}`,
            values: { code: uncompared.code },
          },
        ]),
    ...Object.entries(accuracy ?? {}).map(([camera, estimate]) => diagnoseAccuracy(camera, estimate)),
  ];
}

/** Without a fit there is no estimate, which is nothing to warn of. */
function diagnoseAccuracy(camera: string, estimate: StatusAccuracy): DiagnosticStatus {
  const { state, share, low, high, frames } = estimate;
  const values = share === null || low === null || high === null ? {} : { share, low, high };
  return {
    name: `estimated accuracy ${camera}`,
    level: state === 'worse' ? 'warn' : 'ok',
    message: accuracyWords(estimate),
    values: { state, frames, ...values },
  };
}

function diagnoseVerdict(
  camera: string,
  verdict: StatusVerdict,
  estimate: StatusAccuracy | undefined,
): DiagnosticStatus {
  const { state, evidence, since, context, features, cause } = verdict;
  return {
    name: `drift ${camera}`,
    level: LEVELS[state],
    message: verdictWords(verdict, estimate),
    values: {
      state,
      evidence,
      since: since ?? '',
      context,
      cause: cause?.name ?? '',
      ...Object.fromEntries(
        (cause?.evidence ?? []).map((words, i) => [`evidence ${String(i + 1)}`, words] as const),
      ),
      ...Object.fromEntries(features.map(({ feature, sigmas }) => [`${feature}_sigmas`, sigmas] as const)),
    },
  };
}
