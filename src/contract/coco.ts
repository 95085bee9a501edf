import { z } from 'zod';

const id = z.number().int().nonnegative();

/** x and y of the upper left corner, width, height, in pixels */
const boxSchema = z.tuple([
  z.number(),
  z.number(),
  z.number().nonnegative('a width is never negative'),
  z.number().nonnegative('a height is never negative'),
]);

/** What Goshawk reads from a COCO detection file. Other keys are ignored. */
export const cocoAnnotationsSchema = z.object({
  images: z.array(
    z.object({
      id,
      file_name: z.string().min(1),
      width: z.number().int().positive(),
      height: z.number().int().positive(),
    }),
  ),
  annotations: z.array(
    z.object({
      id,
      image_id: id,
      category_id: id,
      bbox: boxSchema,
      /** area of the outline in square pixels; the area of the box if absent */
      area: z.number().nonnegative().optional(),
      iscrowd: z.union([z.literal(0), z.literal(1)]).default(0),
    }),
  ),
  categories: z.array(z.object({ id, name: z.string().min(1) })).min(1),
});

export type CocoAnnotations = z.infer<typeof cocoAnnotationsSchema>;

/** Detections in the results format of COCO, as pycocotools' `loadRes` takes them. */
export const cocoResultsSchema = z.array(
  z.object({ image_id: id, category_id: id, bbox: boxSchema, score: z.number() }),
);

export type CocoResult = z.infer<typeof cocoResultsSchema>[number];
