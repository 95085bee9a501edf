import { endSignal } from '../end-signal.ts';
import { hasRosEnvironment } from '../environment.ts';

const ended = endSignal();

if (hasRosEnvironment(process.env, (line) => process.stderr.write(`${line}\n`))) {
  const { runRosProcess } = await import('../process.ts');
  const { CameraNode } = await import('../camera/camera-node.ts');
  await runRosProcess(ended, (args) => CameraNode.start(args));
} else {
  process.exitCode = 1;
}
