import { describe, expect, it } from 'vitest';
import { hostMetrics } from '../../../src/device/host/host-metrics.ts';
import type { SensorReading } from '../../../src/device/host/host-reader.ts';
import { PipelineMetrics } from '../../../src/device/metrics/pipeline-metrics.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, settle } from '../pipeline/fakes.ts';

const BOARD = {
  temperatureCelsius: { 'cpu-thermal': 48.125 },
  powerWatts: { VDD_IN: 7.5 },
  gpuRatio: 0.375,
  clockHertz: { cpu0: 1.5e9 },
};

async function scrapedText(sensors: SensorReading = BOARD): Promise<string> {
  const clock = new FakeClock();
  const pipeline = new FramePipeline({
    engine: new FakeEngine(),
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
    clock,
  });
  const metrics = new PipelineMetrics(pipeline);
  const host = hostMetrics(() => sensors);
  pipeline.addSink(metrics);
  await pipeline.start();
  pipeline.activate();
  const maker = new FrameMaker('front', clock);
  for (let i = 1; i <= 3; i++) {
    pipeline.offer(maker.next());
    await settle(() => pipeline.counts().published === i);
  }
  pipeline.offer(maker.next({ ...rawImage('rgb8', 8, 8), width: 0 }));
  await metrics.text();
  await host.text();
  const text = (await metrics.text()) + (await host.text());
  await pipeline.close();
  return text;
}

interface Family {
  type: string;
  help: string;
  samples: { name: string; labels: string }[];
}

function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const line of text.split('\n')) {
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP' && name !== undefined)
      families.set(name, { type: '', help: rest ?? '', samples: [] });
    const family = families.get(name ?? '');
    if (kind === 'TYPE' && family !== undefined) family.type = rest ?? '';
    const sample = /^([a-z_]+)(\{.*\})? /.exec(line);
    if (sample === null) continue;
    const owner = (sample[1] ?? '').replace(/_(bucket|sum|count)$/, '');
    (families.get(owner) ?? families.get(sample[1] ?? ''))?.samples.push({
      name: sample[1] ?? '',
      labels: sample[2] ?? '',
    });
  }
  return families;
}

describe('PipelineMetrics', () => {
  it('shows the counts of the pipeline, consistent on each scrape', async () => {
    const text = await scrapedText();
    const camera = 'camera="front",bundle="fake@1.0.0",provider="cpu"';
    expect(text).toContain(`goshawk_frames_received_total{${camera}} 4\n`);
    expect(text).toContain(`goshawk_frames_published_total{${camera}} 3\n`);
    expect(text).toContain('goshawk_reference_check{variant="fp32",verdict="passed"} 1\n');
    expect(text).toContain('goshawk_reference_check{variant="fp32",verdict="unchecked"} 0\n');
    expect(text).toContain('goshawk_reference_deviation_ratio{of="scores"} 0.0001\n');
    expect(text).toContain('goshawk_variants_refused 0\n');
    expect(text).toContain(`goshawk_frames_dropped_total{${camera},reason="bad_size"} 1\n`);
    expect(text).toContain(`goshawk_frames_dropped_total{${camera},reason="superseded"} 0\n`);
    expect(text).toContain(`goshawk_frames_in_flight{${camera}} 0\n`);
    expect(text).toContain(`goshawk_frame_latency_seconds_count{${camera}} 3\n`);
    expect(text).toContain(`goshawk_stage_seconds_count{${camera},stage="inference"} 3\n`);
    expect(text).toContain(
      `goshawk_bundle_info{name="fake",version="1.0.0",digest="${'f'.repeat(64)}",variant="fp32",provider="cpu"} 1\n`,
    );
    expect(text).toContain('goshawk_provider_nodes{provider="cpu"} 10\n');
  });

  it('has temperature, power, clocks and GPU load if there is a sensor, and no such sample otherwise', async () => {
    const text = await scrapedText();
    expect(text).toContain('goshawk_host_temperature_celsius{zone="cpu-thermal"} 48.125\n');
    expect(text).toContain('goshawk_host_power_watts{rail="VDD_IN"} 7.5\n');
    expect(text).toContain('goshawk_host_gpu_ratio{gpu="0"} 0.375\n');
    expect(text).toContain('goshawk_host_clock_hertz{clock="cpu0"} 1500000000\n');
    expect(await scrapedText({})).not.toMatch(/^goshawk_host/m);
  });

  it('follows the naming rules of Prometheus', async () => {
    const families = parse(await scrapedText());
    expect(families.size).toBeGreaterThan(10);
    for (const [name, { type, help, samples }] of families) {
      expect(name, 'prefix and letters').toMatch(/^goshawk_[a-z]+(_[a-z]+)*$/);
      expect(help, `${name} has a help text that is a sentence`).toMatch(/^[A-Z].*\.$/);
      expect(samples.length, `${name} has samples`).toBeGreaterThan(0);
      expect(name.endsWith('_total'), `${name}: _total is for counters, and counters need it`).toBe(
        type === 'counter',
      );
      expect(name, 'base units, in full, and no type in the name').not.toMatch(
        /_(ms|milliseconds|minutes|kb|megabytes|percent|fps|gauge|counter|histogram)(_|$)/,
      );
      expect(name, 'suffixes that belong to histograms').not.toMatch(/_(count|sum|bucket)$/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      for (const { labels, name: sample } of samples) {
        expect(labels).not.toMatch(/__|[{,][^a-z]/);
        expect(/[{,]quantile=/.test(labels), `${name}: quantile is for summaries`).toBe(false);
        expect(/[{,]le=/.test(labels), `${name}: le is for buckets`).toBe(sample.endsWith('_bucket'));
      }
    }
  });

  it('can be read line by line: every sample once, and buckets increase up to the count', async () => {
    const text = await scrapedText();
    const seen = new Map<string, number>();
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) continue;
      const [, series, value] = /^([a-z_]+(?:\{(?:[a-z_]+="[^"\\\n]*",?)+\})?) (\S+)$/.exec(line) ?? [];
      expect(series, line).toBeDefined();
      expect(Number.isFinite(Number(value)), line).toBe(true);
      expect(seen.has(series ?? ''), line).toBe(false);
      seen.set(series ?? '', Number(value));
    }
    const camera = 'camera="front",bundle="fake@1.0.0",provider="cpu"';
    const buckets = [...seen].filter(([series]) => series.startsWith('goshawk_frame_latency_seconds_bucket'));
    const counts = buckets.map(([, count]) => count);
    expect(counts.length).toBeGreaterThan(5);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(seen.get(`goshawk_frame_latency_seconds_count{${camera}}`));
  });
});
