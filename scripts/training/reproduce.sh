#!/usr/bin/env bash
# Makes the first models from seeds: scenes, the baseline, the pruned network, their bundles, the optimized one,
# and their accuracy on scenes that were never trained on. Steps whose results exist are skipped, training
# continues from its last checkpoint, and each training stage takes at most 90 minutes on two cores.
# Usage: scripts/training/reproduce.sh RUN_FOLDER
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
mkdir -p "${1:?give a folder for scenes, checkpoints and results}"
run="$(cd "$1" && pwd)"
python="$root/.tools/training/bin/python"
# waiting threads yield their core to the loader threads
export OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1

if [ ! -x "$python" ]; then
  python3 -m venv "$root/.tools/training"
fi
"$python" -m pip install --quiet --requirement "$root/scripts/training/requirements.txt"

cd "$root/scripts/training"
goshawk() { "$root/scripts/bin/goshawk" "$@"; }
goshawk_training() { "$python" -m goshawk_training "$@"; }
scenes() { # folder, count, seed, resize method
  [ -f "$run/$1/meta.json" ] ||
    goshawk_training prepare --out "$run/$1" --count "$2" --seed "$3" --resize "$4" \
      --simulator "node $root/dist/cli.js simulate"
}
stage() { # command, run folder, scenes, validation scenes, options
  [ ! -f "$run/$2/done" ] || return 0
  # two processes of one thread train 1.5 times as many images as two threads, which wait for each other
  "$python" -m torch.distributed.run --standalone --nproc-per-node 2 -m -- goshawk_training "$1" --threads 1 \
    --run "$run/$2" --data "$run/$3" --validation "$run/$4" --resume --evaluate-every 1 "${@:5}"
  touch "$run/$2/done"
}
bundle() { # run folder, bundle name, version, training scenes, resize method, import options
  [ ! -f "$run/models/$2/$3/bundle.json" ] || return 0
  goshawk_training export --run "$run/$1" --data "$run/$4" --out "$run/$1/export"
  goshawk models import "$run/$1/export/model.onnx" --labels "$run/$1/export/labels.txt" \
    --lineage "$run/$1/export/lineage.json" --head yolox --color rgb --resize "$5" --license Apache-2.0 \
    --name "$2" --version "$3" --out "$run/models" "${@:6}"
}

# the baseline sees averaged images; the serving network interpolates, since then both preprocessors agree
scenes train 12000 1 average
scenes validation 200 800001 average
scenes train-bilinear 12000 1 bilinear
scenes validation-bilinear 200 800001 bilinear

stage train baseline train validation --family baseline --epochs 3 --lr 1.2e-3
bundle baseline goshawk-street-baseline 1.0.0 train average

teacher=(--teacher "$run/baseline" --teacher-data "$run/train" --element-cost 100 --batch 16)
stage prune halfway train-bilinear validation-bilinear --from "$run/baseline" "${teacher[@]}" --epochs 12 \
  --stop-after-steps 2524 --lr 1.5e-3 --warmup-steps 100 \
  --sparsity-initial 0.4 --sparsity-final 0.72 --sparsity-steps 8 --prune-share 0.16
stage prune narrow train-bilinear validation-bilinear --from "$run/halfway" "${teacher[@]}" --epochs 10 \
  --lr 1.4e-3 --warmup-steps 50 --sparsity-initial 0.1 --sparsity-final 0.357 --sparsity-steps 5 --prune-share 0.1
stage prune pruned train-bilinear validation-bilinear --from "$run/narrow" "${teacher[@]}" --epochs 4 \
  --lr 8e-4 --warmup-steps 50 --sparsity-initial 0.08 --sparsity-final 0.145 --sparsity-steps 2 --prune-share 0.08
bundle pruned goshawk-street-pruned 2.0.0 train-bilinear bilinear --parent "$run/models/goshawk-street-baseline/1.0.0"

images() { # folder, count, seed: as JPEG with COCO annotations
  [ -d "$run/$1" ] || goshawk simulate --out "$run/$1" --count "$2" --seed "$3" --workers 2
}
images street-seed-950001 120 950001
images street-seed-960001 300 960001
[ -f "$run/models/goshawk-street/3.0.0/bundle.json" ] ||
  goshawk optimize --model "$run/models/goshawk-street-pruned/2.0.0" --calibration "$run/street-seed-950001/images" \
    --annotations "$run/street-seed-960001/annotations.json" --images "$run/street-seed-960001/images" \
    --max-ap-drop 0.01 --name goshawk-street --version 3.0.0 --out "$run/models" \
    --report "$run/optimize.json" --html "$run/optimize.html"
goshawk bench headline --baseline "$run/models/goshawk-street-baseline/1.0.0" \
  --optimized "$run/models/goshawk-street/3.0.0" --report "$run/headline.json"
