import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's own folder. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Where set-up keeps what it creates; all of it can be deleted and will be recreated. */
export const PLACES = {
  nodeModules: path.join(ROOT, 'node_modules'),
  rclnodejs: path.join(ROOT, 'node_modules/rclnodejs'),
  dist: path.join(ROOT, 'dist'),
  /** project-local ROS 2 prefix, installed from wheels */
  rosPrefix: path.join(ROOT, '.ros'),
  /** packages that a read-only ROS 2 lacks, one folder for each distribution */
  rosOverlays: path.join(ROOT, '.ros-overlay'),
  tools: path.join(ROOT, '.tools'),
  /** link to the Node that everything runs on, if the installed one is too old */
  runtimeNode: path.join(ROOT, '.tools/runtime/node'),
  state: path.join(ROOT, '.goshawk'),
  stamps: path.join(ROOT, '.goshawk/stamps'),
  logs: path.join(ROOT, '.goshawk/setup-logs'),
  /** which ROS 2 installation set-up chose */
  rosRecord: path.join(ROOT, '.goshawk/ros.json'),
  /** the goshawk command */
  commands: path.join(ROOT, 'scripts/bin'),
  /** Goshawk's own package in an ament layout (scripts/install-ament) */
  ament: path.join(ROOT, '.goshawk/ament'),
  /** the same, built by colcon */
  colcon: path.join(ROOT, 'install/goshawk'),
  ddsProfile: path.join(ROOT, 'launch/fastdds.xml'),
};
