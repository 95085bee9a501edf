import { isNodeNewEnough } from '../../platform/node-version.ts';
import { endSignal } from '../end-signal.ts';
import { hasRosEnvironment } from '../environment.ts';

const ended = endSignal();
const say = (line: string): boolean => process.stderr.write(`${line}\n`);

if (isNodeNewEnough(say) && hasRosEnvironment(process.env, say)) {
  const { cacheCompiledCode } = await import('../../platform/compile-cache.ts');
  cacheCompiledCode();
  const { runRosProcess } = await import('../process.ts');
  const { CameraNode } = await import('../camera/camera-node.ts');
  await runRosProcess(ended, (args) => CameraNode.start(args));
} else {
  process.exitCode = 1;
}
