import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
export const JETSON_SCRIPTS = path.join(REPOSITORY, 'scripts/jetson');

const manifest = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
/** The version that package.json pins. */
export const ORT_VERSION = manifest.dependencies['onnxruntime-node'] ?? '';

export interface BoardFacts {
  /** first line of /etc/nv_tegra_release; null: the file is missing */
  readonly release: string | null;
  readonly compatible: string;
  readonly machine: string;
  /** null: no CUDA compiler */
  readonly cuda: string | null;
  readonly packages: Readonly<Record<string, string>>;
  readonly memoryGib: number;
  readonly freeGib: number;
}

const ORIN: BoardFacts = {
  release: '# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic, EABI: aarch64, DATE: x',
  compatible: 'nvidia,p3737-0000+p3701-0005\0nvidia,p3701-0005\0nvidia,tegra234\0',
  machine: 'aarch64',
  cuda: '12.6',
  packages: {
    'nvidia-jetpack': '6.2+b77',
    'libnvinfer-dev': '10.3.0.30-1+cuda12.5',
    'libnvinfer-bin': '10.3.0.30-1+cuda12.5',
    'libcudnn9-dev-cuda-12': '9.3.0.75-1',
  },
  memoryGib: 32,
  freeGib: 100,
};

/** Programs of the board that answer from `facts`, or produce what the real ones would. */
function programs(facts: BoardFacts): Record<string, string> {
  return {
    uname: `echo ${facts.machine}`,
    nproc: 'echo 8',
    df: `printf 'x\\nx x x %d x x\\n' ${facts.freeGib * 1024 * 1024}`,
    'g++': 'echo 11.4.0',
    cmake: 'echo cmake version 3.22.1',
    npm: 'true',
    python3: `
      [ "$1" = -c ] && exit 0
      mkdir -p "$3/bin"
      printf '#!/bin/sh\\ntouch "%s/bin/ninja"; chmod +x "%s/bin/ninja"\\n' "$3" "$3" > "$3/bin/pip"
      chmod +x "$3/bin/pip"`,
    git: `
      for folder; do :; done
      echo clone >> "$FAKE_LOG"
      mkdir -p "$folder" && echo ${ORT_VERSION} > "$folder/VERSION_NUMBER"
      cp "$FAKE_BUILD" "$folder/build.sh" && chmod +x "$folder/build.sh"`,
    node: `
      case "$*" in *verify-binding*) exit "\${FAKE_VERIFY:-0}" ;; esac
      [ -z "$FAKE_GOSHAWK" ] || case "$*" in
        *'models --help'*) exit 0 ;;
        *'models engine-input'*)
          echo "$*" >> "$FAKE_LOG"
          [ "$FAKE_GOSHAWK" != refuses ] || { echo 'GOSHAWK_ENGINE_INPUT: no' >&2; exit 1; }
          while [ "$1" != --out ]; do shift; done
          echo onnx > "$2"
          printf 'variant=int8\\nprecision=int8\\n'
          printf '%s_shapes=images:%sx64x64x3\\n' min 1 opt 1 max 8
          exit 0 ;;
        *'models add-engine'*)
          echo "$*" >> "$FAKE_LOG"
          [ "$FAKE_GOSHAWK" != full ] || { echo 'GOSHAWK_OUTPUT_REFUSED: no' >&2; exit 1; }
          exit 0 ;;
      esac
      exec '${process.execPath}' "$@"`,
  };
}

const FAKE_BUILD = `#!/bin/sh
echo build >> "$FAKE_LOG"
[ -z "$FAKE_BUILD_FAILS" ] || exit 1
source=$(dirname "$0")
mkdir -p "$source/js/node/bin/napi-v6/linux/arm64" "$source/../build/Release"
for file in onnxruntime_binding.node libonnxruntime.so.1; do
  echo new > "$source/js/node/bin/napi-v6/linux/arm64/$file"
done
for name in shared cuda tensorrt; do echo new > "$source/../build/Release/libonnxruntime_providers_$name.so"; done
`;

/** Prints what trtexec prints, and saves a placeholder for an engine. */
const FAKE_TRTEXEC = `
echo "trtexec $*" >> "$FAKE_LOG"
echo "&&&& RUNNING TensorRT.trtexec [TensorRT v100300] [b30] # trtexec $*"
echo "[11/25/2026-14:00:00] [I] Compute Capability: 8.7"
echo "[11/25/2026-14:00:01] [I] Start parsing network model."
echo "[11/25/2026-14:00:02] [I] Finished parsing network model. Parse time: 0.5"
echo "[11/25/2026-14:00:03] [V] [TRT] --------------- Timing Runner: /conv1/Conv (CaskConvolution[0x80000009])"
printf 'half a line, '
sleep "\${FAKE_SLEEP:-0}"
echo "and its end"
[ "$FAKE_TRTEXEC" != killed ] || kill -9 $$
[ "$FAKE_TRTEXEC" != fails ] || {
  echo "[11/25/2026-14:00:04] [E] Error[10]: Could not find any implementation for node /conv1/Conv."
  echo "&&&& FAILED TensorRT.trtexec"
  exit 1
}
for argument; do case $argument in --saveEngine=*) file=\${argument#*=} ;; esac; done
[ "$FAKE_TRTEXEC" = forgets ] || seq 2000 > "$file"
echo "[11/25/2026-14:10:04] [I] Engine built in 601.2 sec."
`;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fake Jetson in a folder: system files, programs, and an npm package to install into. */
export class FakeBoard {
  readonly work: string;
  readonly package: string;
  readonly #folder: string;

  constructor(folder: string, change: Partial<BoardFacts> = {}) {
    this.#folder = folder;
    this.work = path.join(folder, 'work');
    this.package = path.join(folder, 'onnxruntime-node');
    this.#write('onnxruntime-node/package.json', JSON.stringify({ version: ORT_VERSION }));
    this.#write('onnxruntime-node/bin/napi-v6/linux/arm64/onnxruntime_binding.node', 'npm\n');
    this.#write('build.sh', FAKE_BUILD);
    this.change(change);
  }

  /** Recreates the system files and programs. */
  change(change: Partial<BoardFacts>): void {
    const facts = { ...ORIN, ...change };
    for (const name of ['root', 'bin'])
      rmSync(path.join(this.#folder, name), { recursive: true, force: true });
    if (facts.release !== null) this.#write('root/etc/nv_tegra_release', `${facts.release}\n`);
    this.#write('root/proc/device-tree/compatible', facts.compatible);
    this.#write('root/proc/meminfo', `MemTotal: ${facts.memoryGib * 1024 * 1024} kB\nSwapTotal: 0 kB\n`);
    const paragraphs = Object.entries(facts.packages).map(
      ([name, version]) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`,
    );
    this.#write('root/var/lib/dpkg/status', paragraphs.join('\n'));
    if (facts.cuda !== null) {
      this.#program(
        'root/usr/local/cuda/bin/nvcc',
        `echo "Cuda compilation tools, release ${facts.cuda}, V1"`,
      );
    }
    for (const [name, script] of Object.entries(programs(facts))) this.#program(`bin/${name}`, script);
    if (facts.packages['libnvinfer-bin'] !== undefined) {
      this.#program('root/usr/src/tensorrt/bin/trtexec', FAKE_TRTEXEC);
    }
  }

  /** Runs build-onnxruntime on this board. */
  run(args: readonly string[] = [], env: Record<string, string> = {}): Outcome {
    return this.#bash('build-onnxruntime', ['--work', this.work, '--package', this.package, ...args], env);
  }

  /** Runs build-engine on this board, with a fake goshawk unless `FAKE_GOSHAWK` is empty. */
  buildEngine(args: readonly string[] = [], env: Record<string, string> = {}): Outcome {
    return this.#bash('build-engine', ['--work', this.work, ...args], { FAKE_GOSHAWK: 'yes', ...env });
  }

  #bash(name: string, args: readonly string[], env: Record<string, string>): Outcome {
    return spawnSync('bash', [path.join(JETSON_SCRIPTS, name), ...args], {
      encoding: 'utf8',
      env: {
        PATH: `${path.join(this.#folder, 'bin')}:${process.env['PATH'] ?? ''}`,
        HOME: this.#folder,
        GOSHAWK_NODE: path.join(this.#folder, 'bin/node'),
        GOSHAWK_JETSON_ROOT: path.join(this.#folder, 'root'),
        FAKE_BUILD: path.join(this.#folder, 'build.sh'),
        FAKE_LOG: path.join(this.#folder, 'log'),
        ...env,
      },
    });
  }

  /** What was fetched and built so far, in order. */
  log(): string[] {
    const text = readFileSync(path.join(this.#folder, 'log'), { encoding: 'utf8', flag: 'a+' });
    return text.split('\n').filter((line) => line !== '');
  }

  /** Text of a file of the installed package; `binding` is the folder next to `linux/`. */
  installed(binding: string, file: string): string {
    return readFileSync(path.join(this.package, 'bin/napi-v6/linux', binding, file), 'utf8').trim();
  }

  /** What `npm ci` does to the package. */
  reinstallPackage(): void {
    const linux = path.join(this.package, 'bin/napi-v6/linux');
    cpSync(path.join(linux, 'arm64.npm'), path.join(this.#folder, 'fresh'), { recursive: true });
    rmSync(linux, { recursive: true });
    cpSync(path.join(this.#folder, 'fresh'), path.join(linux, 'arm64'), { recursive: true });
  }

  #write(name: string, text: string, mode = 0o644): void {
    const file = path.join(this.#folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }

  #program(name: string, script: string): void {
    this.#write(name, `#!/bin/sh\n${script}\n`, 0o755);
  }
}
