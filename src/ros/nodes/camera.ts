import { CameraNode } from '../camera/camera-node.ts';
import { runRosProcess } from '../process.ts';

await runRosProcess((args) => CameraNode.start(args));
