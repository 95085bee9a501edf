// Prints the ROS environment as lines for a POSIX shell; scripts/with-ros evaluates them.
import { readRosRecord, rosEnvironment } from './ros-env.mjs';

const ros = process.env['GOSHAWK_NO_ROS'] === '1' ? undefined : readRosRecord();
if (ros === undefined) {
  console.error(
    'with-ros: no ROS 2 is set up; fix: run "npm run setup", after sourcing a ROS 2 installation if you have one',
  );
  process.exit(1);
}
const environment = rosEnvironment(ros, process.env);
for (const name of Object.keys(process.env)) {
  if (!(name in environment)) console.log(`unset ${name}`);
}
for (const [name, value] of Object.entries(environment)) {
  if (value === undefined || value === process.env[name] || !/^[A-Za-z_]\w*$/.test(name)) continue;
  console.log(`export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`);
}
