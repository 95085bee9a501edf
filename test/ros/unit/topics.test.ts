import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameTopics } from '../../../src/ros/detector/topics.ts';

describe('nameTopics', () => {
  it('puts the results next to the image topic', () => {
    expect(nameTopics(['/front/image_raw'], 'auto')).toEqual([
      {
        camera: 'front',
        image: '/front/image_raw',
        kind: 'raw',
        detections: '/front/detections',
        annotated: '/front/detections/image',
        annotatedCompressed: '/front/detections/image/compressed',
        visionInfo: '/front/detections/vision_info',
      },
    ]);
  });

  it('recognizes the compressed form by its name, or by the parameter', () => {
    const [byName] = nameTopics(['/front/image_raw/compressed'], 'auto');
    expect(byName).toMatchObject({ camera: 'front', kind: 'compressed', detections: '/front/detections' });
    expect(nameTopics(['/front/jpegs'], 'compressed')[0]).toMatchObject({ kind: 'compressed' });
    expect(nameTopics(['/front/image_raw/compressed'], 'raw')[0]).toMatchObject({ kind: 'raw' });
  });

  it('keeps cameras of one namespace apart', () => {
    const named = nameTopics(['/stereo/left', '/stereo/right', '/rear/image'], 'auto');
    expect(named.map(({ camera, detections }) => [camera, detections])).toEqual([
      ['stereo/left', '/stereo/left/detections'],
      ['stereo/right', '/stereo/right/detections'],
      ['rear', '/rear/detections'],
    ]);
  });

  it('accepts a topic of the root namespace and repeated names', () => {
    const named = nameTopics(['/image', '/image'], 'auto');
    expect(named).toHaveLength(1);
    expect(named[0]).toMatchObject({ camera: 'image', detections: '/detections' });
  });

  it('never gives two cameras the same name or results', () => {
    const named = nameTopics(['/a/x', '/a/y', '/a/x/compressed', '/b/x', '/x'], 'auto');
    expect(new Set(named.map(({ camera }) => camera)).size).toBe(named.length);
    expect(new Set(named.map(({ detections }) => detections)).size).toBe(named.length);
  });

  it.each([
    [
      ['/left', '/left/image'],
      ['left', 'left/image'],
    ],
    [
      ['/stereo/left', '/stereo/left/image', '/stereo/right'],
      ['stereo/left', 'stereo/left/image', 'stereo/right'],
    ],
    [
      ['/a', '/a/b', '/a/b/c', '/a/b/c/d'],
      ['a', 'a/b', 'a/b/c', 'a/b/c/d'],
    ],
    [
      ['/stereo/left', '/stereo/left/image'],
      ['stereo', 'stereo/left'],
    ],
  ])('%j are separate cameras', (images, cameras) => {
    const named = nameTopics(images, 'auto');
    expect(named.map(({ camera }) => camera)).toEqual(cameras);
    const results = named.flatMap(({ detections, annotated, annotatedCompressed, visionInfo }) => [
      detections,
      annotated,
      annotatedCompressed,
      visionInfo,
    ]);
    expect(new Set(results).size).toBe(results.length);
  });

  it('gives cameras of any names distinct names', () => {
    const level = fc.constantFrom('a', 'b', 'image', 'compressed');
    const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => `/${levels.join('/')}`);
    fc.assert(
      fc.property(fc.uniqueArray(topic, { minLength: 1, maxLength: 8 }), (images) => {
        const named = nameTopics(images, 'auto');
        expect(new Set(named.map(({ camera }) => camera)).size).toBe(images.length);
        expect(new Set(named.map(({ detections }) => detections)).size).toBe(images.length);
      }),
    );
  });

  it.each(['/front/detections/image', '/front/detections/image/compressed'])(
    'refuses %s, which is the annotated image of another camera',
    (own) => {
      expect(() => nameTopics(['/front/image_raw', own], 'auto')).toThrow(
        /GOSHAWK_PARAMETER_INVALID|image_topics = .* annotated image of \/front\/image_raw/,
      );
    },
  );
});
