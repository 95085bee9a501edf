#!/usr/bin/env bash
# Makes the shipped model from seeds: scenes, training, export, accuracy on scenes never trained on.
# Usage: scripts/training/reproduce.sh RUN_FOLDER [more options of `train`]
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
mkdir -p "${1:?name a folder for scenes, checkpoints and the result}"
run="$(cd "$1" && pwd)"
shift
python="$root/.tools/training/bin/python"

if [ ! -x "$python" ]; then
  python3 -m venv "$root/.tools/training"
  "$python" -m pip install --requirement "$root/scripts/training/requirements.txt"
fi

cd "$root/scripts/training"
goshawk_training() { "$python" -m goshawk_training "$@"; }
scenes() { # folder, count, seed
  [ -f "$run/$1/meta.json" ] ||
    goshawk_training prepare --out "$run/$1" --count "$2" --seed "$3" --simulator "node $root/dist/cli.js simulate"
}

scenes train 8000 1
scenes validation 150 800001
scenes test 500 900001
goshawk_training train --data "$run/train" --validation "$run/validation" --run "$run/checkpoints" --resume \
  --evaluate-every 1 "$@"
goshawk_training export --run "$run/checkpoints" --data "$run/train" --out "$run/export"
goshawk_training evaluate --model "$run/export/model.onnx" --data "$run/test"
