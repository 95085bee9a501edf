// Sends itself one message through ROS 2. Exit code 0 means that rclnodejs, the RMW and the message classes
// work.
import rclnodejs from 'rclnodejs';

await rclnodejs.init(rclnodejs.Context.defaultContext(), []);
const node = new rclnodejs.Node('goshawk_smoke');
const topic = `/goshawk_smoke_${process.pid}`;
const publisher = node.createPublisher('std_msgs/msg/String', topic);
const timer = setInterval(() => publisher.publish({ data: 'hello' }), 50);
const giveUp = setTimeout(() => end(1), 20_000);
node.createSubscription('std_msgs/msg/String', topic, () => end(0));
rclnodejs.spin(node);

/** @param {number} code */
function end(code) {
  clearInterval(timer);
  clearTimeout(giveUp);
  process.exitCode = code;
  node.destroy();
  rclnodejs.shutdown();
}
