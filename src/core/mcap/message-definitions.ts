/** Definitions of ROS 2 messages as recordings carry them, so that a reader without ROS can decode them. */

const SEPARATOR = `\n${'='.repeat(80)}\n`;

const FIELDS = {
  'builtin_interfaces/Time': 'int32 sec\nuint32 nanosec',
  'std_msgs/Header': 'builtin_interfaces/Time stamp\nstring frame_id',
  'geometry_msgs/Point': 'float64 x\nfloat64 y\nfloat64 z',
  'geometry_msgs/Quaternion': 'float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1',
  'geometry_msgs/Pose': 'geometry_msgs/Point position\ngeometry_msgs/Quaternion orientation',
  'geometry_msgs/PoseWithCovariance': 'geometry_msgs/Pose pose\nfloat64[36] covariance',
  'vision_msgs/Point2D': 'float64 x\nfloat64 y',
  'vision_msgs/Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
  'vision_msgs/BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
  'vision_msgs/ObjectHypothesis': 'string class_id\nfloat64 score',
  'vision_msgs/ObjectHypothesisWithPose':
    'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose',
  'vision_msgs/Detection2D':
    'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n' +
    'vision_msgs/BoundingBox2D bbox\nstring id',
} as const;

type Named = keyof typeof FIELDS;

function define(fields: string, uses: readonly Named[]): string {
  return [fields, ...uses.map((name) => `MSG: ${name}\n${FIELDS[name]}`)].join(SEPARATOR);
}

/** By type name, in the encoding `ros2msg` of MCAP. */
export const MESSAGE_DEFINITIONS = {
  'sensor_msgs/msg/CompressedImage': define('std_msgs/Header header\nstring format\nuint8[] data', [
    'std_msgs/Header',
    'builtin_interfaces/Time',
  ]),
  'vision_msgs/msg/Detection2DArray': define(
    'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
    Object.keys(FIELDS) as Named[],
  ),
} as const;
