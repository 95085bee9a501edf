import { describeError } from '../../contract/errors.ts';
import { openCamera, type CameraOptions } from '../../device/camera/open-camera.ts';
import type { CameraFrame, CameraSource } from '../../device/camera/source.ts';
import { checkOutputFiles, writeOutput } from '../../platform/outputs.ts';
import type { RosArguments } from '../arguments.ts';
import { nodeLog, type Log } from '../log.ts';
import { declareParameters } from '../parameters/declare.ts';
import { readNodeParameters } from '../parameters/node-parameters.ts';
import type { RosProgram } from '../process.ts';
import { rcl, type RosNode } from '../rcl.ts';
import { guardServices } from '../service-guard.ts';
import { SimClock } from '../sim-clock.ts';
import { FramePublisher } from './frame-publisher.ts';
import { CAMERA_PARAMETERS, type CameraParameters } from './parameters.ts';

const NODE_NAME = 'camera';
const NAMESPACE = '/camera';
/** how often `/clock` is checked under simulated time, and how long it may be absent */
const CLOCK_LOOK_MS = 1000;
const CLOCK_AWAY_SECONDS = 3;

/** The camera node: a source inside this process, published as a camera driver would. */
export class CameraNode implements RosProgram {
  readonly ended: Promise<void>;
  readonly #node: RosNode;
  readonly #log: Log;
  readonly #source: CameraSource;
  readonly #publisher: FramePublisher;
  readonly #stampsFile: string;
  readonly #simClock: SimClock;
  #clockTrouble: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #end: () => void = () => undefined;
  readonly #unreadableReasons = new Set<string>();
  #sending = 0;
  #late = 0;
  #alive = true;

  /** Creates the node and publishes the first frame. @throws GoshawkError if the source cannot be opened */
  static async start(args: RosArguments): Promise<CameraNode> {
    const node = new rcl.Node(NODE_NAME, NAMESPACE);
    try {
      const log = nodeLog(node, () => true);
      const simClock = new SimClock(node);
      const overrides = await readNodeParameters(node, args.parameters, log);
      const { values } = declareParameters(node, CAMERA_PARAMETERS, overrides, {
        log,
        apply: () => undefined,
      });
      await checkOutputFiles(values.stamps_file);
      guardServices(node, log);
      const camera = new CameraNode(node, simClock, values);
      node.spin();
      await camera.#run();
      return camera;
    } catch (error) {
      node.destroy();
      throw error;
    }
  }

  private constructor(node: RosNode, simClock: SimClock, parameters: CameraParameters) {
    this.#node = node;
    this.#simClock = simClock;
    this.#log = nodeLog(node, () => this.#alive);
    this.#source = openCamera(specOf(parameters), optionsOf(parameters));
    this.#publisher = new FramePublisher(node, {
      topic: parameters.topic,
      groundTruthTopic: parameters.ground_truth_topic,
      compressed: parameters.compressed,
      reliability: parameters.reliability,
      keepStamps: parameters.stamps_file !== '',
    });
    this.#stampsFile = parameters.stamps_file;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async #run(): Promise<void> {
    await this.#source.start(
      (frame) => this.#send(frame),
      (error) => {
        if (error === undefined) this.#log.info('the recording has ended');
        else this.#log.error(describeError(error));
        this.#end();
      },
      {
        onUnreadable: (reason, detail) => this.#noteUnreadable(reason, detail),
        onNotice: (message) => this.#log.info(message),
      },
    );
    this.#log.info(`publishing ${this.#source.description}`);
    this.#timer = setInterval(() => this.#lookForClock(), CLOCK_LOOK_MS);
  }

  #lookForClock(): void {
    const trouble = this.#simClock.trouble(CLOCK_AWAY_SECONDS);
    if (trouble === this.#clockTrouble) return;
    this.#clockTrouble = trouble;
    if (trouble === undefined) this.#log.info('resolved: /clock has arrived');
    else this.#log.error(`${trouble}; until then frames are stamped 0`);
  }

  /** Logged once per reason; all are counted and reported at the end. */
  #noteUnreadable(reason: string, detail: string): void {
    if (this.#unreadableReasons.has(reason)) return;
    this.#unreadableReasons.add(reason);
    this.#log.warn(`skipping an image that cannot be read (${reason}): ${detail}`);
  }

  #send(frame: CameraFrame): void {
    // Compressing may take longer than a period: then frames are skipped, as in a camera that cannot keep up.
    if (this.#sending > 0) {
      this.#late += 1;
      return;
    }
    this.#sending += 1;
    this.#publisher.send(frame).then(
      () => {
        this.#sending -= 1;
      },
      (error: unknown) => {
        this.#sending -= 1;
        this.#log.error(`a frame was not sent: ${describeError(error)}`);
      },
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#source.stop();
    const { delivered, skipped, unreadable } = this.#source.counters();
    const late = this.#late > 0 ? `, ${this.#late} arrived while one was being compressed` : '';
    this.#log.info(`${delivered} frames, ${skipped} turns skipped, ${unreadable} images unreadable${late}`);
    try {
      if (this.#stampsFile !== '')
        await writeOutput(this.#stampsFile, JSON.stringify(this.#publisher.stamps));
    } finally {
      this.#alive = false;
      this.#node.destroy();
    }
  }
}

/** `loop_frames` is part of the simulator's specification. */
function specOf({ source, loop_frames: loop }: CameraParameters): string {
  if (loop === 0 || !/^sim(:|$)/.test(source)) return source;
  return `${source}${source.includes(':') ? ',' : ':'}loop=${loop}`;
}

function optionsOf(parameters: CameraParameters): CameraOptions {
  const { rate, width, height, recording_topic: topic } = parameters;
  return {
    frameId: parameters.frame_id,
    compressed: parameters.compressed,
    loop: parameters.loop,
    ...(rate > 0 ? { rate } : {}),
    ...(width > 0 ? { width } : {}),
    ...(height > 0 ? { height } : {}),
    ...(topic === '' ? {} : { topic }),
  };
}
