/**
 * The arrows between the rooms of src/ (docs/architecture.md). A room may import only the rooms named for it,
 * and each I/O library is imported by one room's wrapper only.
 */
const ROOMS = {
  core: [],
  sim: ['core'],
  contract: ['core'],
  platform: ['contract', 'core'],
  model: ['core', 'contract', 'platform'],
  device: ['core', 'sim', 'contract', 'platform', 'model'],
  ros: ['core', 'contract', 'platform', 'model', 'device'],
  fleet: ['core', 'contract', 'platform', 'model'],
  tools: ['core', 'sim', 'contract', 'platform', 'model', 'device'],
};

const arrows = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `${room}-arrows`,
  comment: `src/${room} may import only: ${[room, ...allowed].join(', ')}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
}));

/** library -> the only places that may import it */
const WRAPPERS = {
  'write-file-atomic': '^src/platform/atomic-file.ts',
  'classic-level': '^src/device/telemetry/outbox/level-store.ts$',
  rclnodejs: '^src/ros/',
  sharp: '^src/device/imaging/',
  'onnxruntime-node': '^src/device/inference/',
  mqtt: '^src/platform/mqtt/',
  fastify: '^src/platform/http/',
  aedes: '^src/fleet/broker/',
  pg: '^src/fleet/store/database.ts$',
  debug: '^src/platform/debug.ts$',
  'prom-client': '^src/(device|fleet)/metrics/',
};

const wrappers = Object.entries(WRAPPERS).map(([library, place]) => ({
  name: `one-wrapper-${library}`,
  comment: `${library} is imported only under ${place}`,
  severity: 'error',
  from: { path: '^src/', pathNot: place },
  to: { path: `node_modules/${library}/` },
}));

module.exports = {
  forbidden: [
    {
      name: 'one-wrapper-child-processes',
      comment: 'processes are started only by src/platform/child-process.ts',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/child-process.ts$' },
      to: { path: '^(node:)?child_process$' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-is-pure',
      comment:
        'src/core, src/sim and src/contract do no I/O: no Node built-ins, and no npm package but zod in contract',
      severity: 'error',
      from: { path: '^src/(core|sim|contract)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'core-has-no-packages',
      severity: 'error',
      from: { path: '^src/(core|sim)/' },
      to: { path: 'node_modules' },
    },
    {
      name: 'contract-only-zod',
      severity: 'error',
      from: { path: '^src/contract/' },
      to: { path: 'node_modules', pathNot: 'node_modules/zod/' },
    },
    ...arrows,
    ...wrappers,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
