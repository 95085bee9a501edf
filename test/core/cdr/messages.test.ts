import { describe, expect, it } from 'vitest';
import {
  beginImage,
  encodeCompressedImage,
  encodeFloat64,
  encodeImage,
  encodeVisionInfo,
} from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import { golden, goldenBytes, goldenPixels } from './golden.ts';

/** A writer whose buffer has old content, so that unwritten bytes show. */
function usedWriter(): CdrWriter {
  const writer = new CdrWriter(16);
  beginImage(
    writer,
    { stamp: { sec: -1, nanosec: 1 }, frameId: '' },
    { height: 1, width: 1, encoding: '', step: 1 },
    4096,
  ).fill(0xee);
  return writer;
}

describe('messages, byte for byte as rclpy writes them', () => {
  // The writer has no is_bigendian option: its pixels have 8-bit channels.
  it.each(golden.images.filter((image) => !image.isBigEndian))('sensor_msgs/Image $name', (image) => {
    const bytes = encodeImage(usedWriter(), image.header, image, goldenPixels(image.dataLength));
    expect(bytes).toEqual(goldenBytes(image.name));
  });

  it.each(golden.compressed)('sensor_msgs/CompressedImage $name', (message) => {
    const bytes = encodeCompressedImage(
      usedWriter(),
      message.header,
      message.format,
      Uint8Array.from(message.data),
    );
    expect(bytes).toEqual(goldenBytes(message.name));
  });

  it.each(golden.visionInfo)('vision_msgs/VisionInfo $name', (message) => {
    expect(encodeVisionInfo(usedWriter(), message.header, message)).toEqual(goldenBytes(message.name));
  });

  it.each(golden.float64)('std_msgs/Float64', ({ name, value }) => {
    expect(encodeFloat64(usedWriter(), value)).toEqual(goldenBytes(name));
  });
});

describe('writer', () => {
  it('returns a view of the pixels inside the message', () => {
    const writer = new CdrWriter();
    const header = { stamp: { sec: 1, nanosec: 2 }, frameId: 'cam' };
    const fields = { height: 2, width: 3, encoding: 'mono8', step: 3 };
    beginImage(writer, header, fields, 6).set([1, 2, 3, 4, 5, 6]);
    expect(writer.finish()).toEqual(
      encodeImage(new CdrWriter(), header, fields, Uint8Array.of(1, 2, 3, 4, 5, 6)),
    );
  });

  it('truncates text at a NUL, as rclpy does', () => {
    const header = { stamp: { sec: 0, nanosec: 0 }, frameId: 'cam\0era' };
    const fields = { method: '', databaseLocation: '', databaseVersion: 0 };
    expect(encodeVisionInfo(new CdrWriter(), header, fields)).toEqual(
      encodeVisionInfo(new CdrWriter(), { ...header, frameId: 'cam' }, fields),
    );
  });

  it('does not reallocate for a message of the same size', () => {
    const writer = new CdrWriter(4);
    const first = encodeFloat64(writer, 1).buffer;
    expect(encodeFloat64(writer, 2).buffer).toBe(first);
  });
});
