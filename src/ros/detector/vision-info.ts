import { encodeVisionInfo } from '../../core/cdr/messages.ts';
import { CdrWriter } from '../../core/cdr/writer.ts';
import type { Bundle } from '../../model/bundle.ts';
import { LATCHED_QOS } from '../qos.ts';
import { createRawPublisher, type RawPublisher } from '../raw-topics.ts';
import { MESSAGE, type RosNode } from '../rcl.ts';
import { nowStamp } from '../time.ts';
import type { CameraTopics } from './topics.ts';

/** Publishes, latched, which model makes the detections and where its labels are: in the manifest, under `labels`. */
export function publishVisionInfo(
  node: RosNode,
  cameras: readonly CameraTopics[],
  bundle: Bundle,
): RawPublisher[] {
  const { name, version } = bundle.manifest;
  const message = encodeVisionInfo(
    new CdrWriter(),
    { stamp: nowStamp(node), frameId: '' },
    {
      method: `${name}@${version} ${bundle.digest}`,
      databaseLocation: `${bundle.folder}/bundle.json`,
      databaseVersion: 0,
    },
  );
  return cameras.map((camera) => {
    const publisher = createRawPublisher(node, MESSAGE.visionInfo, camera.visionInfo, LATCHED_QOS);
    publisher.publish(message);
    return publisher;
  });
}
