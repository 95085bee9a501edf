import { hasRosEnvironment } from '../environment.ts';

if (hasRosEnvironment(process.env, (line) => process.stderr.write(`${line}\n`))) {
  const { runRosProcess } = await import('../process.ts');
  const { CameraNode } = await import('../camera/camera-node.ts');
  await runRosProcess((args) => CameraNode.start(args));
} else {
  process.exitCode = 1;
}
