import { Detector } from '../detector/detector.ts';
import { runRosProcess } from '../process.ts';

await runRosProcess((args) => Detector.start(args));
