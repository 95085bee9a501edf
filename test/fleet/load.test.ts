import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fleetLoadSchema, type FleetLoadReport } from '../../src/contract/fleet-load.ts';
import { topicFilter } from '../../src/contract/telemetry/topics.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { MosquittoProcess } from '../../src/tools/fleet/mosquitto.ts';
import { publishPacket } from '../../src/tools/load/packets.ts';
import { QuickClient } from '../../src/tools/load/quick-client.ts';
import { shippedBounds } from '../../src/tools/load/test-bed.ts';
import { CLI } from '../support/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-load-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function load(...args: string[]): Promise<{ code: number | null; report: FleetLoadReport }> {
  const file = join(folder, `${args.join('')}.json`);
  const child = spawn(process.execPath, [CLI, 'fleet', 'load', '--report', file, ...args], {
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, report: fleetLoadSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) };
}

describe.concurrent('goshawk fleet load', () => {
  it('measures brokers and ingestors, each by its own process, and accounts for what it sent', async () => {
    const args = ['--robots', '50', '--seconds', '1', '--rate', '400', '--brokers', '2', '--ingestors', '2'];
    const { code, report } = await load(...args, '--ingestor-cpu', '0.5');
    expect(report).toMatchObject({ robots: 50, undeclaredHoles: 0, duplicates: 0, isSettled: true });
    expect(report.produced).toBe(report.stored);
    expect(report.throughput?.acknowledged).toBeGreaterThan(0);
    expect(report.throughput?.bareBrokerPerSecond).toBeGreaterThan(0);
    expect(report.throughput?.bareCopyPerSecond).toBeGreaterThan(0);
    expect(report.throughput?.processes.map(({ name }) => name)).toEqual([
      'client',
      'broker 1',
      'broker 2',
      'ingestor 1',
      'ingestor 2',
      'database',
    ]);
    expect(code).toBe(0);
  });

  it('loses and repeats nothing while brokers and ingestors are killed', async () => {
    const args = ['--robots', '10', '--brokers', '2', '--ingestors', '3', '--kill', '6', '--seed', '4'];
    const { code, report } = await load(...args);
    expect(report).toMatchObject({ undeclaredHoles: 0, duplicates: 0, missing: [], isSettled: true });
    expect(report.produced).toBe(report.stored + report.declared);
    expect(report.kills?.killsByPart).toMatchObject({
      broker: expect.any(Number) as number,
      ingestor: expect.any(Number) as number,
    });
    expect(report.kills?.failovers).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it('finds holes if ingestors acknowledge before their commit', async () => {
    const args = ['--robots', '10', '--ingestors', '1', '--kill', '4', '--seed', '1', '--early-acks'];
    const { code, report } = await load(...args);
    expect(report.undeclaredHoles).toBeGreaterThan(0);
    expect(code).toBe(1);
  });

  it('takes the brokers away, and waits for all robots to return and for a new ingestor to know them', async () => {
    const { code, report } = await load('--robots', '50', '--brokers', '2', '--reconnect', '--haste', '20');
    expect(report).toMatchObject({ undeclaredHoles: 0, duplicates: 0, isSettled: true });
    expect(report.returned).toMatchObject({ haste: 20, retained: { births: 50, known: 50 } });
    expect(code).toBe(0);
  });
});

describe('the broker that is shipped', () => {
  it('has room for the births of 10,000 robots when an ingestor subscribes', async () => {
    const robots = 10_000;
    const broker = new MosquittoProcess(folder, await freePort(), shippedBounds());
    await broker.untilReady();
    const { port } = broker;
    const clients: QuickClient[] = [];
    const connection = { port, keepAliveSeconds: 60, receiveMaximum: 1_000 };
    try {
      await new Promise<void>((resolve) => {
        let sent = 0;
        let taken = 0;
        const pump = (): void => {
          for (; publisher.hasRoom && sent < robots; sent += 1) {
            const birth = publishPacket(
              `fleet/v1/load/r${sent}/detector/connection`,
              Buffer.alloc(350, 'x'),
              true,
            );
            publisher.publish(birth.bytes, birth.idAt);
          }
        };
        const onRoom = (): void => {
          taken += 1;
          pump();
          if (taken === robots) resolve();
        };
        const publisher = new QuickClient({ ...connection, clientId: 'robots' }, { onUp: pump, onRoom });
        clients.push(publisher);
      });
      let received = 0;
      await new Promise<void>((resolve) => {
        const onMessage = (): void => {
          received += 1;
          if (received === robots) resolve();
        };
        const filter = topicFilter('connection');
        clients.push(
          new QuickClient({ ...connection, clientId: 'fleet', filter }, { onUp: () => undefined, onMessage }),
        );
      });
      expect(received).toBe(robots);
    } finally {
      for (const client of clients) client.close();
      await broker.kill();
    }
  });
});
