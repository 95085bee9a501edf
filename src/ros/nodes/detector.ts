import { hasRosEnvironment } from '../environment.ts';

if (hasRosEnvironment(process.env, (line) => process.stderr.write(`${line}\n`))) {
  const { runRosProcess } = await import('../process.ts');
  const { Detector } = await import('../detector/detector.ts');
  await runRosProcess((args) => Detector.start(args));
} else {
  process.exitCode = 1;
}
