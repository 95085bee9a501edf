import { writeFile } from 'node:fs/promises';
import { runReportSchema } from '../../contract/report.ts';
import { describeHost } from '../../device/describe-host.ts';
import { listSupportedProviders } from '../../device/inference/providers.ts';
import type { DetectorSession } from './session.ts';

/** Writes a session as a run report. Rates are means over the time in which it took frames. */
export async function writeRunReport(file: string, session: DetectorSession): Promise<void> {
  const { frames, latencyMs, detections } = session.pipeline.snapshot();
  const { bundle, startedAt, activeSeconds } = session;
  const providers = listSupportedProviders()
    .filter(({ available }) => available)
    .map(({ provider }) => provider);
  const perSecond = (count: number): number => (activeSeconds > 0 ? count / activeSeconds : 0);
  const report = runReportSchema.parse({
    schema: 'goshawk.report.run/1',
    startedAt: startedAt.toISOString(),
    host: describeHost(providers),
    seconds: activeSeconds,
    bundle: { name: bundle.manifest.name, version: bundle.manifest.version, digest: bundle.digest },
    frames: { received: frames.received, published: frames.published, drops: frames.drops },
    fps: { in: perSecond(frames.received), out: perSecond(frames.published) },
    latencyMs: { total: latencyMs.total, stages: latencyMs.stages },
    detections,
  });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
