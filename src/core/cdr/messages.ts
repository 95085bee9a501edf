import type { MessageHeader } from './header.ts';
import type { CdrWriter } from './writer.ts';

/** The fields of `sensor_msgs/msg/Image` between header and data. */
export interface ImageFields {
  /** pixels */
  readonly height: number;
  /** pixels */
  readonly width: number;
  /** encoding name of sensor_msgs */
  readonly encoding: string;
  /** bytes from one row to the next */
  readonly step: number;
}

/**
 * Writes a `sensor_msgs/msg/Image` up to its pixels and returns a view for the `dataLength` bytes of pixels.
 * Fill the view, then get the message from `writer.finish()`: the pixels are written once, in place.
 */
export function beginImage(
  writer: CdrWriter,
  header: MessageHeader,
  fields: ImageFields,
  dataLength: number,
): Uint8Array<ArrayBuffer> {
  writer.begin().header(header);
  writer.uint32(fields.height);
  writer.uint32(fields.width);
  writer.string(fields.encoding);
  writer.uint8(0);
  writer.uint32(fields.step);
  return writer.reserveByteSequence(dataLength);
}

/** `sensor_msgs/msg/Image` as a view of the writer's buffer; the pixels are copied once. */
export function encodeImage(
  writer: CdrWriter,
  header: MessageHeader,
  fields: ImageFields,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  beginImage(writer, header, fields, data.length).set(data);
  return writer.finish();
}

/** `sensor_msgs/msg/CompressedImage` as a view of the writer's buffer. */
export function encodeCompressedImage(
  writer: CdrWriter,
  header: MessageHeader,
  format: string,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  writer.begin().header(header);
  writer.string(format);
  writer.reserveByteSequence(data.length).set(data);
  return writer.finish();
}

/** Where the labels of a detector are to be found (`vision_msgs/msg/VisionInfo`). */
export interface VisionInfoFields {
  /** name of the method or model */
  readonly method: string;
  /** where the labels are: a parameter name or a path */
  readonly databaseLocation: string;
  readonly databaseVersion: number;
}

/** `vision_msgs/msg/VisionInfo` as a view of the writer's buffer. */
export function encodeVisionInfo(
  writer: CdrWriter,
  header: MessageHeader,
  fields: VisionInfoFields,
): Uint8Array<ArrayBuffer> {
  writer.begin().header(header);
  writer.string(fields.method);
  writer.string(fields.databaseLocation);
  writer.int32(fields.databaseVersion);
  return writer.finish();
}

/** `std_msgs/msg/Float64` as a view of the writer's buffer. */
export function encodeFloat64(writer: CdrWriter, value: number): Uint8Array<ArrayBuffer> {
  writer.begin().float64(value);
  return writer.finish();
}
