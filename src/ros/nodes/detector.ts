import { isNodeNewEnough } from '../../platform/node-version.ts';
import { endSignal } from '../end-signal.ts';
import { hasRosEnvironment } from '../environment.ts';

const ended = endSignal();
const say = (line: string): boolean => process.stderr.write(`${line}\n`);

if (isNodeNewEnough(say) && hasRosEnvironment(process.env, say)) {
  const { cacheCompiledCode } = await import('../../platform/compile-cache.ts');
  cacheCompiledCode();
  const { runRosProcess } = await import('../process.ts');
  const { Detector } = await import('../detector/detector.ts');
  await runRosProcess(ended, (args, ending) => Detector.start(args, ending));
} else {
  process.exitCode = 1;
}
