import type { FrameLatency } from '../../contract/fleet-faults.ts';
import { percentile } from '../bench/statistics.ts';
import type { PhaseKind, PhaseSpan } from './phases.ts';

/** Latencies of frames in order of time, milliseconds, with the wall clock of each. */
interface Frame {
  readonly at: number;
  readonly ms: number;
}

/** @param log lines of `TIME LATENCY LATENCY ...`; a torn last line is ignored */
function parse(log: string): readonly Frame[] {
  return [...log.matchAll(/^(\d+)((?: [\d.]+)+)\n/gm)].flatMap(([, at, values = '']) =>
    values
      .trim()
      .split(' ')
      .map((ms) => ({ at: Number(at), ms: Number(ms) })),
  );
}

/** Latency of the robot's frames by what happened meanwhile. */
export function frameLatency(log: string, spans: readonly PhaseSpan[]): FrameLatency {
  const frames = parse(log);
  const during = (kind: PhaseKind): FrameLatency['unfaulted'] =>
    percentilesOf(
      frames.filter(({ at }) => spans.some((span) => span.kind === kind && at > span.from && at <= span.to)),
    );
  const [unfaulted, faulted, control] = [during('calm'), during('faults'), during('control')];
  return {
    unfaulted,
    faulted,
    p99Ratio: ratioOf(faulted, unfaulted),
    control: control.count === 0 ? null : control,
    controlP99Ratio: ratioOf(faulted, control),
  };
}

type Stretch = FrameLatency['unfaulted'];

function ratioOf({ p99Ms }: Stretch, base: Stretch): number | null {
  return base.p99Ms === 0 ? null : p99Ms / base.p99Ms;
}

function percentilesOf(frames: readonly Frame[]): Stretch {
  const sorted = frames.map(({ ms }) => ms).sort((a, b) => a - b);
  return { count: sorted.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}
