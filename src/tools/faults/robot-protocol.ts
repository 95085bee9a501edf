import { z } from 'zod';

/** How a robot of `goshawk fleet faults` is started: JSON, its only argument. */
export const faultRobotSchema = z.object({
  /** broker */
  url: z.string(),
  outbox: z.string(),
  /** file of lines `STREAM BOOT LAST`: what it produced */
  produced: z.string(),
  /** what its disk has synced */
  note: z.string(),
  sync: z.boolean(),
  /** camera to run the frame path with, such as `sim`, and the file that gets the latencies; null for none */
  camera: z.object({ spec: z.string(), frames: z.string() }).nullable(),
});

export type FaultRobotSettings = z.infer<typeof faultRobotSchema>;

/** A fault of its disk or its clock, the end of everything new, or its telemetry ends and begins again. */
export type RobotCommand =
  | { readonly type: 'telemetry'; readonly isOn: boolean }
  | { readonly type: 'disk'; readonly isFull: boolean }
  | { readonly type: 'clock'; readonly stepMs: number }
  | { readonly type: 'quiet' };

/** A line of its standard input. */
export const formatCommand = (command: RobotCommand): string => JSON.stringify(command);

const commandSchema: z.ZodType<RobotCommand> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('telemetry'), isOn: z.boolean() }),
  z.object({ type: z.literal('disk'), isFull: z.boolean() }),
  z.object({ type: z.literal('clock'), stepMs: z.number() }),
  z.object({ type: z.literal('quiet') }),
]);

/** @throws ZodError, SyntaxError */
export const parseCommand = (line: string): RobotCommand => commandSchema.parse(JSON.parse(line));
