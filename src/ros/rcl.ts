import * as loaded from 'rclnodejs';
import type { lifecycle, Subscription } from 'rclnodejs';

/** rclnodejs declares each member as a separate export; at run time there is only the default export. */
export const rcl = (loaded as unknown as { default: typeof loaded }).default;

export type LifecycleNode = lifecycle.LifecycleNode;
/** A plain or managed node of rclnodejs. */
export type RosNode = loaded.Node;
export type RosSubscription = Subscription;

/** Names of the message types that Goshawk sends and receives. */
export const MESSAGE = {
  image: 'sensor_msgs/msg/Image',
  compressedImage: 'sensor_msgs/msg/CompressedImage',
  detections: 'vision_msgs/msg/Detection2DArray',
  visionInfo: 'vision_msgs/msg/VisionInfo',
  diagnostics: 'diagnostic_msgs/msg/DiagnosticArray',
  float64: 'std_msgs/msg/Float64',
  string: 'std_msgs/msg/String',
} as const;

export type MessageName = (typeof MESSAGE)[keyof typeof MESSAGE];
