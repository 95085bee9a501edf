/** What happens during a part of a run. `control`: faults, while the robot has no telemetry. */
export type PhaseKind = 'calm' | 'faults' | 'control';

export interface FaultPhase {
  readonly kind: PhaseKind;
  /** of a calm phase; faults take as long as they take */
  readonly seconds: number;
  readonly faults: number;
}

/** When the frames of a phase count, milliseconds of the wall clock. */
export interface PhaseSpan {
  readonly kind: PhaseKind;
  readonly from: number;
  readonly to: number;
}

/** Faults of a phase. The machine is not equally fast at all times: phases in turn meet it alike. */
const FAULTS_PER_PHASE = 10;

export interface PhaseOptions {
  readonly faults: number;
  /** in all; 0 for none */
  readonly calmSeconds: number;
  readonly hasControl: boolean;
}

/** The phases of a run, in order: calm ones and those with faults in turn, each followed by its control. */
export function planPhases({ faults, calmSeconds, hasControl }: PhaseOptions): FaultPhase[] {
  const rounds = Math.max(1, calmSeconds === 0 ? 1 : Math.round(faults / FAULTS_PER_PHASE));
  return Array.from({ length: rounds }, (_, round): FaultPhase[] => {
    const own = Math.floor((faults * (round + 1)) / rounds) - Math.floor((faults * round) / rounds);
    const withFaults = (kind: PhaseKind): FaultPhase => ({ kind, seconds: 0, faults: own });
    return [
      ...(calmSeconds === 0 ? [] : [{ kind: 'calm' as const, seconds: calmSeconds / rounds, faults: 0 }]),
      withFaults('faults'),
      ...(hasControl ? [withFaults('control')] : []),
    ];
  }).flat();
}
