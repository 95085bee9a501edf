"""Golden CDR bytes, written by rclpy's own serializer.

    scripts/with-ros python3 test/core/cdr/golden/make_golden.py

writes cases.json (the messages as data) and one .bin file for each next to this script. Big-endian messages,
which rclpy cannot write, are put together by hand at the end.

Fast-CDR skips padding without writing it, so padding bytes are whatever malloc left there. The script
serializes everything under several MALLOC_PERTURB_ values (and without malloc's thread cache, which they do
not reach); bytes that differ between those runs are padding, and are stored as zero.
"""

import base64
import json
import os
import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
PERTURB = ("85", "170", "15")

STAMP = {"sec": 1700000000, "nanosec": 123456789}


def header(frame_id, stamp=STAMP):
    return {"stamp": stamp, "frameId": frame_id}


def detection(label, score, box, track):
    """score and box as float32 hold them; box is x1, y1, x2, y2."""
    return {"label": label, "score": score, "box": box, "track": track}


def detection_cases():
    labels = ["person", "car", "stop sign", "Fußgänger", "自転車", "🚦", "a"]
    cases = [{"name": "detections-empty", "labels": labels, "header": header("camera"), "detections": []}]
    # every alignment of frame_id, label and id against the float64 fields
    for length in range(9):
        cases.append(
            {
                "name": f"detections-frame-{length}",
                "labels": labels,
                "header": header("c" * length),
                "detections": [
                    detection("a", 0.5, [1.5, 2.25, 100.125, 50.0], 0),
                    detection("person", 0.8999999761581421, [0.0, 0.0, 1280.0, 720.0], 10 ** (length % 8)),
                ],
            }
        )
    cases.append(
        {
            "name": "detections-unicode",
            "labels": labels,
            "header": header("kamera_vörne/光学", {"sec": -1, "nanosec": 999999999}),
            "detections": [
                detection(label, 0.125 * (i + 1), [i * 10.5, i * 3.25, i * 10.5 + 7.75, i * 3.25 + 9.5], i * 99)
                for i, label in enumerate(labels)
            ],
        }
    )
    cases.append(
        {
            "name": "detections-many",
            "labels": labels,
            "header": header("front_camera_optical_frame"),
            "detections": [
                detection(
                    labels[i % len(labels)],
                    (i + 1) / 512,
                    [i, i * 0.5, i + 20.25, i * 0.5 + 10.75],
                    i % 3 * 4294967,
                )
                for i in range(100)
            ],
        }
    )
    return cases


def pixels(count):
    return bytes((i * 7 + 13) & 255 for i in range(count))


def image_cases():
    """width 6, height 4, three bytes of padding at the end of each row (four where the step must be even)"""
    row = {
        "rgb8": 18, "bgr8": 18, "8UC3": 18, "rgba8": 24, "bgra8": 24, "8UC4": 24, "mono8": 6, "8UC1": 6,
        "yuv422": 12, "uyvy": 12, "yuyv": 12, "yuv422_yuy2": 12, "nv12": 6, "i420": 6, "yuv420": 6,
    }  # fmt: skip
    cases = []
    for i, (encoding, row_bytes) in enumerate(row.items()):
        planar = encoding in ("nv12", "i420", "yuv420")
        for padding in (0, 4 if planar else 3):
            step = row_bytes + padding
            rows = 6 if planar else 4
            cases.append(
                {
                    "name": f"image-{encoding}-{step}",
                    "header": header("cam"[: i % 4]),
                    "height": 4,
                    "width": 6,
                    "encoding": encoding,
                    "isBigEndian": i % 2 == 1,
                    "step": step,
                    "dataLength": step * rows,
                }
            )
    return cases


def other_cases():
    return {
        "compressed": [
            {
                "name": "compressed-jpeg",
                "header": header("camera"),
                "format": "jpeg",
                "data": [255, 216, 255, 224, 1, 2, 3],
            },
            {
                "name": "compressed-transport",
                "header": header("c"),
                "format": "rgb8; jpeg compressed bgr8",
                "data": [255, 216, 255, 219],
            },
            {
                "name": "compressed-png",
                "header": header(""),
                "format": "png",
                "data": [137, 80, 78, 71, 13, 10, 26, 10, 0],
            },
        ],
        "visionInfo": [
            {
                "name": "vision-info",
                "header": header("camera"),
                "method": "goshawk-street 1.0.0",
                "databaseLocation": "/goshawk/detector/labels",
                "databaseVersion": 3,
            },
            {
                "name": "vision-info-empty",
                "header": header("x", {"sec": 0, "nanosec": 0}),
                "method": "",
                "databaseLocation": "",
                "databaseVersion": -7,
            },
        ],
        "float64": [{"name": "float64", "value": 12.345}],
        "float32": [{"name": "float32", "value": 0.15625}],
    }


def all_cases():
    return {"detections": detection_cases(), "images": image_cases(), **other_cases()}


def serialize_all():
    """name -> bytes, by rclpy"""
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import CompressedImage, Image
    from std_msgs.msg import Float32, Float64, Header
    from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose, VisionInfo

    def ros_header(data):
        message = Header(frame_id=data["frameId"])
        message.stamp.sec = data["stamp"]["sec"]
        message.stamp.nanosec = data["stamp"]["nanosec"]
        return message

    def detection_array(case):
        message = Detection2DArray(header=ros_header(case["header"]))
        for entry in case["detections"]:
            x1, y1, x2, y2 = entry["box"]
            result = ObjectHypothesisWithPose()
            result.hypothesis.class_id = entry["label"]
            result.hypothesis.score = float(entry["score"])
            one = Detection2D(header=ros_header(case["header"]), results=[result])
            one.bbox.center.position.x = (x1 + x2) / 2
            one.bbox.center.position.y = (y1 + y2) / 2
            one.bbox.size_x = float(x2 - x1)
            one.bbox.size_y = float(y2 - y1)
            one.id = str(entry["track"]) if entry["track"] else ""
            message.detections.append(one)
        return message

    def image(case):
        return Image(
            header=ros_header(case["header"]),
            height=case["height"],
            width=case["width"],
            encoding=case["encoding"],
            is_bigendian=int(case["isBigEndian"]),
            step=case["step"],
            data=pixels(case["dataLength"]),
        )

    def compressed(case):
        return CompressedImage(header=ros_header(case["header"]), format=case["format"], data=bytes(case["data"]))

    def vision_info(case):
        return VisionInfo(
            header=ros_header(case["header"]),
            method=case["method"],
            database_location=case["databaseLocation"],
            database_version=case["databaseVersion"],
        )

    makers = {
        "detections": detection_array,
        "images": image,
        "compressed": compressed,
        "visionInfo": vision_info,
        "float64": lambda case: Float64(data=case["value"]),
        "float32": lambda case: Float32(data=case["value"]),
    }
    return {
        case["name"]: serialize_message(makers[kind](case)) for kind, cases in all_cases().items() for case in cases
    }


def without_padding(runs):
    """Bytes on which all runs agree, zero where they differ."""
    assert len({len(run) for run in runs}) == 1, "lengths must not depend on the run"
    return bytes(values[0] if len(set(values)) == 1 else 0 for values in zip(*runs))


def big_endian_image():
    """sensor_msgs/Image as a big-endian machine sends it; width 2, height 1, mono8, step 3."""
    out = bytearray()
    out += struct.pack(">HH", 0x0000, 0)  # encapsulation: CDR_BE, no options; alignment counts from here
    out += struct.pack(">iI", STAMP["sec"], STAMP["nanosec"])  # offset 0
    out += struct.pack(">I", 4) + b"cam\0"  # offset 8: length with the NUL
    out += struct.pack(">II", 1, 2)  # offset 16: height, width
    out += struct.pack(">I", 6) + b"mono8\0"  # offset 24, ends at 34
    out += struct.pack(">B", 1)  # offset 34: is_bigendian
    out += b"\0"  # padding to a multiple of 4
    out += struct.pack(">I", 3)  # offset 36: step
    out += struct.pack(">I", 3) + bytes([11, 22, 33])  # offset 40: data
    return bytes(out)


def big_endian_compressed():
    """sensor_msgs/CompressedImage, big-endian, with a format whose end is not aligned."""
    out = bytearray(struct.pack(">HH", 0x0000, 0))
    out += struct.pack(">iI", STAMP["sec"], STAMP["nanosec"])  # offset 0
    out += struct.pack(">I", 2) + b"c\0"  # offset 8, ends at 14
    out += b"\0\0"  # padding
    out += struct.pack(">I", 5) + b"jpeg\0"  # offset 16, ends at 25
    out += b"\0\0\0"  # padding
    out += struct.pack(">I", 4) + bytes([255, 216, 255, 224])  # offset 28
    return bytes(out)


def main():
    if sys.argv[1:] == ["--serialize"]:
        encoded = {name: base64.b64encode(data).decode() for name, data in serialize_all().items()}
        json.dump(encoded, sys.stdout)
        return
    runs = []
    for value in PERTURB:
        done = subprocess.run(
            [sys.executable, __file__, "--serialize"],
            env={**os.environ, "MALLOC_PERTURB_": value, "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
            check=True,
            stdout=subprocess.PIPE,
        )
        runs.append(json.loads(done.stdout))
    for name in runs[0]:
        data = without_padding([base64.b64decode(run[name]) for run in runs])
        (HERE / f"{name}.bin").write_bytes(data)
    (HERE / "big-endian-image.bin").write_bytes(big_endian_image())
    (HERE / "big-endian-compressed.bin").write_bytes(big_endian_compressed())
    text = json.dumps(all_cases(), indent=1, ensure_ascii=False)
    (HERE / "cases.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
