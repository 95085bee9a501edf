#!/usr/bin/env bash
# Makes the shipped models from seeds: scenes, the baseline, the pruned network, their bundles, the optimized one, and their
# accuracy on scenes never trained on. Each step is left out where its result is there already, training goes on from its last
# checkpoint, and each training stage ends within 90 minutes on two cores.
# Usage: scripts/training/reproduce.sh RUN_FOLDER
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
mkdir -p "${1:?name a folder for scenes, checkpoints and the result}"
run="$(cd "$1" && pwd)"
python="$root/.tools/training/bin/python"
# threads that wait give their core to the threads that load
export OMP_WAIT_POLICY=PASSIVE

if [ ! -x "$python" ]; then
  python3 -m venv "$root/.tools/training"
fi
"$python" -m pip install --quiet --requirement "$root/scripts/training/requirements.txt"

cd "$root/scripts/training"
goshawk() { node "$root/dist/cli.js" "$@"; }
goshawk_training() { "$python" -m goshawk_training "$@"; }
scenes() { # folder, count, seed
  [ -f "$run/$1/meta.json" ] ||
    goshawk_training prepare --out "$run/$1" --count "$2" --seed "$3" --simulator "node $root/dist/cli.js simulate"
}
stage() { # command, run folder, options
  goshawk_training "$1" --run "$run/$2" --data "$run/train" --validation "$run/validation" --resume --evaluate-every 1 "${@:3}"
}
bundle() { # run folder, name of the bundle, how pictures are shrunk
  [ ! -f "$run/models/$2/1.0.0/bundle.json" ] || return 0
  goshawk_training export --run "$run/$1" --data "$run/train" --out "$run/$1/export"
  goshawk_training evaluate --model "$run/$1/export/model.onnx" --data "$run/test"
  # pictures of training were shrunk with averaging (augment.py); what serves by default interpolates, as both preprocessors then agree
  goshawk models import "$run/$1/export/model.onnx" --labels "$run/$1/export/labels.txt" --lineage "$run/$1/export/lineage.json" \
    --head yolox --color rgb --resize "$3" --license Apache-2.0 --name "$2" --version 1.0.0 --out "$run/models"
}

scenes train 12000 1
scenes validation 200 800001
scenes test 500 900001

stage train baseline --family baseline --epochs 3 --lr 1.2e-3
bundle baseline goshawk-street-baseline average

stage prune pruned --from "$run/baseline" --teacher "$run/baseline" --epochs 4 --lr 8e-4 --warmup-steps 100 \
  --sparsity-initial 0.5 --sparsity-final 0.8 --sparsity-steps 8 --prune-share 0.35
bundle pruned goshawk-street-pruned bilinear

pictures() { # folder, count, seed: as JPEG with COCO annotations
  [ -d "$run/$1" ] || goshawk simulate --out "$run/$1" --count "$2" --seed "$3" --workers 2
}
pictures street-seed-950001 120 950001
pictures street-seed-960001 300 960001
[ -f "$run/models/goshawk-street/2.0.0/bundle.json" ] ||
  goshawk optimize --model "$run/models/goshawk-street-pruned/1.0.0" --calibration "$run/street-seed-950001/images" \
    --annotations "$run/street-seed-960001/annotations.json" --images "$run/street-seed-960001/images" --max-ap-drop 0.01 \
    --name goshawk-street --version 2.0.0 --out "$run/models" --report "$run/optimize.json" --html "$run/optimize.html"
goshawk bench headline --baseline "$run/models/goshawk-street-baseline/1.0.0" --optimized "$run/models/goshawk-street/2.0.0" \
  --report "$run/headline.json"
