import { endSignal } from '../end-signal.ts';
import { hasRosEnvironment } from '../environment.ts';

const ended = endSignal();

if (hasRosEnvironment(process.env, (line) => process.stderr.write(`${line}\n`))) {
  const { runRosProcess } = await import('../process.ts');
  const { Detector } = await import('../detector/detector.ts');
  await runRosProcess(ended, (args, ending) => Detector.start(args, ending));
} else {
  process.exitCode = 1;
}
