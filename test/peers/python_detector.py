"""The node a robotics engineer would write in an afternoon: rclpy, OpenCV and onnxruntime, no tricks.

It is the yardstick of ``goshawk bench peers``: same topics, same model file, same thresholds and same message out as
Goshawk's detector, both with what their libraries give by default.

    python_detector.py --model yolox_nano.onnx --threads 2 [--image-topic /camera/image_raw]
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np
import onnxruntime
import rclpy
from numpy.typing import NDArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

Floats = NDArray[np.float32]
CHANNEL_SWAP = {"rgb8": cv2.COLOR_RGB2BGR, "bgr8": None}


class YoloxSession:
    """YOLOX in onnxruntime: letterbox top-left with 114, BGR 0..255, strides 8, 16, 32."""

    def __init__(self, model: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.height, self.width = int(self.input.shape[2]), int(self.input.shape[3])
        grids, strides = [], []
        for stride in (8, 16, 32):
            columns, rows = np.meshgrid(np.arange(self.width // stride), np.arange(self.height // stride))
            grid = np.stack((columns, rows), 2).reshape(-1, 2)
            grids.append(grid)
            strides.append(np.full((grid.shape[0], 1), stride))
        self.grid = np.concatenate(grids).astype(np.float32)
        self.stride = np.concatenate(strides).astype(np.float32)

    def detect(self, bgr: NDArray[np.uint8], score: float, iou: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Boxes (corners, source pixels), scores and class indices of one picture."""
        scale = min(self.width / bgr.shape[1], self.height / bgr.shape[0])
        size = (int(bgr.shape[1] * scale), int(bgr.shape[0] * scale))
        padded = np.full((self.height, self.width, 3), 114, np.uint8)
        padded[: size[1], : size[0]] = cv2.resize(bgr, size, interpolation=cv2.INTER_LINEAR)
        tensor = np.ascontiguousarray(padded.transpose(2, 0, 1), dtype=np.float32)[None]
        output = self.session.run(None, {self.input.name: tensor})[0][0]
        scores = output[:, 5:] * output[:, 4:5]
        classes = scores.argmax(1)
        best = scores[np.arange(len(scores)), classes]
        keep = best > score
        classes, best = classes[keep], best[keep]
        center = (output[keep, :2] + self.grid[keep]) * self.stride[keep]
        wide = np.exp(output[keep, 2:4]) * self.stride[keep]
        corner = (center - wide / 2) / scale
        wide = wide / scale
        # One call suppresses within each class: boxes of different classes are moved apart.
        apart = (corner + classes[:, None] * 10_000.0).tolist()
        rows = [(x, y, w, h) for (x, y), (w, h) in zip(apart, wide.tolist(), strict=True)]
        chosen = np.asarray(cv2.dnn.NMSBoxes(rows, best.tolist(), score, iou), dtype=np.int64).reshape(-1)
        boxes = np.concatenate((corner, corner + wide), 1).astype(np.float32)
        return boxes[chosen], best[chosen], classes[chosen]


class PythonDetector(Node):
    """Subscribes raw images, publishes ``vision_msgs/Detection2DArray`` on the topic Goshawk would use."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__("python_detector")
        self.score, self.iou = arguments.score, arguments.iou
        self.yolox = YoloxSession(arguments.model, arguments.threads)
        self.labels: list[str] = [str(index) for index in range(1000)]
        out_topic = arguments.image_topic.rsplit("/", 1)[0] + "/detections"
        self.publisher = self.create_publisher(Detection2DArray, out_topic, 10)
        self.create_subscription(Image, arguments.image_topic, self.on_image, qos_profile_sensor_data)
        self.get_logger().info("ready")

    def on_image(self, message: Image) -> None:
        """One frame from callback to publish, on the executor's thread, as such nodes do."""
        pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
        picture = pixels[:, : message.width * 3].reshape(message.height, message.width, 3)
        swap = CHANNEL_SWAP[message.encoding]
        bgr = picture if swap is None else cv2.cvtColor(picture, swap)
        boxes, scores, classes = self.yolox.detect(bgr, self.score, self.iou)
        array = Detection2DArray(header=message.header)
        for (x1, y1, x2, y2), score, label in zip(boxes.tolist(), scores.tolist(), classes.tolist(), strict=True):
            detection = Detection2D(header=message.header)
            detection.bbox.center.position.x = (x1 + x2) / 2
            detection.bbox.center.position.y = (y1 + y2) / 2
            detection.bbox.size_x, detection.bbox.size_y = x2 - x1, y2 - y1
            result = ObjectHypothesisWithPose()
            result.hypothesis.class_id, result.hypothesis.score = self.labels[label], score
            detection.results.append(result)
            array.detections.append(detection)
        self.publisher.publish(array)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--image-topic", default="/camera/image_raw")
    parser.add_argument("--score", type=float, default=0.3)
    parser.add_argument("--iou", type=float, default=0.65)
    arguments = parser.parse_args()
    rclpy.init()
    node = PythonDetector(arguments)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
