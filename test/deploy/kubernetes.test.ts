import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Service, ServiceAccount } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../docs/documents.ts';
import { refusalOf } from '../docs/goshawk-command.ts';
import { fleetMetricsText } from '../docs/metrics-text.ts';

const FOLDER = join(ROOT, 'deploy/kubernetes');

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: object;
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly livenessProbe: object;
  readonly readinessProbe: object;
  readonly volumeMounts: readonly { readonly name: string }[];
}

/** What the checks look at. */
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly scaleTargetRef?: { readonly name: string };
    readonly triggers?: readonly { readonly metadata: { readonly query: string } }[];
    readonly replicas?: number;
    readonly template?: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly containers: readonly Container[];
        readonly volumes: readonly { readonly name: string }[];
        readonly securityContext: object;
      };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

type Labels = Readonly<Record<string, string>>;

const files = readdirSync(FOLDER).filter((name) => name !== 'kustomization.yaml');
const manifests = files.flatMap((name) =>
  parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8')).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  }),
);
const named = manifests.map((one) => [`${one.kind} ${one.metadata.name}`, one] as const);
const workloads = named.filter(([, { spec }]) => spec?.template !== undefined);
const labelsOf = ([, { spec }]: (typeof named)[number]): Labels => spec?.template?.metadata.labels ?? {};

/** Schemas of Kubernetes and KEDA, by what a manifest says it is. */
const MODELS = [
  Deployment,
  StatefulSet,
  PodDisruptionBudget,
  ConfigMap,
  Service,
  ServiceAccount,
  ScaledObject,
];

function refusalOfSchema(manifest: Manifest): string | null {
  const Model = MODELS.find(
    ({ apiVersion, kind }) => apiVersion === manifest.apiVersion && kind === manifest.kind,
  );
  if (Model === undefined) return `no schema of ${manifest.apiVersion} ${manifest.kind}`;
  try {
    new Model(manifest as never).validate();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the manifests for Kubernetes', () => {
  it('are all named in kustomization.yaml', () => {
    const [document] = parseAllDocuments(readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8'));
    const { resources } = document?.toJS() as { readonly resources: string[] };
    expect(resources.toSorted()).toEqual(files.toSorted());
  });

  it.each(named)('%s follows the schema', (_name, manifest) => {
    expect(refusalOfSchema(manifest)).toBeNull();
  });

  it('would be refused for a wrong type or a missing field', () => {
    const [, deployment] = workloads[0]!;
    expect(
      refusalOfSchema({ ...deployment, spec: { ...deployment.spec, replicas: 'two' as never } }),
    ).toContain('replicas');
    expect(refusalOfSchema({ ...deployment, spec: {} })).toContain('required');
  });

  it.each(workloads)(
    '%s runs without privileges, with probes, limits and what it mounts',
    (_name, { spec }) => {
      const { containers, volumes, securityContext } = spec!.template!.spec;
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      const mountable = [
        ...volumes.map(({ name }) => name),
        ...(spec!.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
      ];
      for (const { image, resources, volumeMounts, ...container } of containers) {
        expect(image).toMatch(/:\d+\.\d+\.\d+$/);
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(resources).toMatchObject({
          requests: { cpu: expect.any(String) as string },
          limits: { memory: expect.any(String) as string },
        });
        expect(container).toMatchObject({ livenessProbe: {}, readinessProbe: {} });
        for (const { name } of volumeMounts) expect(mountable).toContain(name);
      }
    },
  );

  it('select pods that exist', () => {
    for (const [name, { kind, spec }] of named) {
      const selector = spec?.selector?.matchLabels ?? spec?.selector;
      if (selector === undefined) continue;
      const pods = workloads.flatMap((workload) => {
        const replicas = workload[1].kind === 'StatefulSet' ? (workload[1].spec?.replicas ?? 1) : 1;
        return Array.from({ length: replicas }, (_, at) => ({
          ...labelsOf(workload),
          'statefulset.kubernetes.io/pod-name': `${workload[1].metadata.name}-${at}`,
        }));
      });
      const isSelected = pods.some((labels) =>
        Object.entries(selector).every(([key, value]) => (labels as Labels)[key] === value),
      );
      expect([name, kind, isSelected]).toEqual([name, kind, true]);
    }
  });

  it('contain no secret, only references', () => {
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret');
    const text = files.map((name) => readFileSync(join(FOLDER, name), 'utf8')).join('\n');
    expect(text).not.toMatch(/BEGIN [A-Z ]*(KEY|CERTIFICATE)|:\/\/[^/\s]*:[^/\s]*@/);
    for (const [, { spec }] of workloads)
      for (const { env = [] } of spec!.template!.spec.containers)
        for (const { name, value } of env) if (/PASS|SECRET|TOKEN/.test(name)) expect(value).toBeUndefined();
  });

  it('start the ingestor with options that it has', async () => {
    const [, ingestor] = workloads.find(([name]) => name.startsWith('Deployment'))!;
    const { command, args } = ingestor.spec!.template!.spec.containers[0]!;
    expect(command).toEqual(['goshawk']);
    expect(await refusalOf(args)).toBeNull();
  });

  it('scale by a metric that ingestors have', async () => {
    const scaled = manifests.find(({ kind }) => kind === 'ScaledObject')!;
    expect(workloads.map(([name]) => name)).toContain(`Deployment ${scaled.spec!.scaleTargetRef!.name}`);
    const [metric] = /ingest_lag_seconds/.exec(scaled.spec!.triggers![0]!.metadata.query) ?? [];
    expect(await fleetMetricsText()).toContain(`# TYPE ${metric!} gauge`);
  });

  it('give brokers the rules and bounds of the broker that is shipped', () => {
    const { data } = manifests.find(({ kind }) => kind === 'ConfigMap')!;
    const shipped = (name: string): string => readFileSync(join(ROOT, 'scripts/fleet', name), 'utf8');
    expect(data!['acl']!.trim()).toBe(shipped('acl').trim());
    const settings = (text: string): string[] =>
      text.split('\n').filter((line) => line !== '' && !/^#|@|\/etc\/|\/var\/|^listener/.test(line));
    expect(settings(data!['mosquitto.conf']!)).toEqual(settings(shipped('mosquitto.conf')));
  });
});
