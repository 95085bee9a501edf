#!/usr/bin/env bash
# Continues the training of the shipped models on a CUDA device, within a time box: new scenes, then the baseline
# and, beside it, the serving network with the shipped baseline as its teacher; then the serving network with the new
# baseline as its teacher and, beside it, one that is pruned less. However early it ends, the newest exports are in
# the results folder. Options are environment variables, see README.md.
# Usage: scripts/training/reproduce-gpu.sh RUN_FOLDER SECONDS
set -uo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
mkdir -p "${1:?give a folder for scenes and checkpoints: 0.7 MB per scene, preferably in memory (/dev/shm)}"
run="$(cd "$1" && pwd)"
total="${2:?give the number of seconds that it may take}"
SECONDS=0

python="${PYTHON:-$root/.tools/training/bin/python}"
simulator="${SIMULATOR:-node $root/dist/cli.js simulate}"
device="${DEVICE:-cuda}"
jobs="${JOBS:-$(nproc)}"
scenes="${SCENES:-60000}"
seed="${SEED:-1}"
chunk="${CHUNK:-250}"
validated="${VALIDATION:-400}"
baseline_batch="${BASELINE_BATCH:-128}"
student_batch="${STUDENT_BATCH:-256}"
wider="${WIDER:-0.74}"
render_seconds="${RENDER_SECONDS:-$((total * 13 / 100))}"
baseline_end="${BASELINE_END:-$((total * 57 / 100))}"
student_end="${STUDENT_END:-$((total - 14 - total / 50))}"
results="${RESULTS:-$run/results}"
checked="$run/validation"
mkdir -p "$results" "$run/logs" "$run/export"
export PYTHONUNBUFFERED=1

if [ ! -x "$python" ] && ! command -v "$python" >/dev/null; then
  python3 -m venv "$root/.tools/training" &&
    "$python" -m pip install --quiet --requirement "$root/scripts/training/requirements.txt" || exit 1
fi
cd "$root/scripts/training" || exit 1

say() { echo "[$SECONDS s] $*" | tee -a "$run/logs/driver.log"; }
goshawk_training() { "$python" -m goshawk_training "$@"; }
logged() { # name of the log, command; the pipe exits with the command's exit code
  local name="$1"
  shift
  "$@" 2>&1 | tee -a "$run/logs/$name.log" | sed -u "s/^/$name: /"
}
scenes_of() { # folders for averaged and interpolated scenes, count, seed, options
  [ -f "$1/meta.json" ] && [ -f "$2/meta.json" ] && return 0
  goshawk_training prepare --out "$1" --bilinear-out "$2" --count "$3" --seed "$4" --workers 1 \
    --simulator "$simulator" "${@:5}"
}
stage() { # name, end time, command, batch, options; halves the batch if memory is too small
  local name="$1" end="$2" command="$3" batch="$4" box
  [ ! -f "$run/$name/done" ] || return 0
  for size in "$batch" $((batch / 2)); do
    # six seconds to start and six to evaluate at the end; a resumed run keeps its original time
    box=$((end - SECONDS - 12))
    [ "$box" -ge 2 ] || box=2
    [ ! -f "$run/$name/last.pt" ] || box="$(cat "$run/$name.box")"
    echo "$box" >"$run/$name.box"
    say "$name: $command, batches of $size, $box s"
    logged "$name" timeout --signal=TERM --kill-after=10 $((box + 60)) "$python" -m goshawk_training "$command" \
      --run "$run/$name" --device "$device" --resident --batch "$size" --max-seconds "$box" --threads 4 \
      --checkpoint-seconds 30 --evaluate-every 100000 --resume "${@:5}"
    local code=$?
    [ "$code" -eq 0 ] && touch "$run/$name/done" && break
    say "$name ended early, with exit code $code"
    # a run that timed out would not be faster in smaller batches
    { [ -f "$run/$name/last.pt" ] || [ "$code" -ge 124 ]; } && break
  done
  [ -f "$run/$name/last.pt" ]
}
exported() { # run, store, export folder, result name
  [ -f "$run/$1/last.pt" ] || return 0
  logged "$1-export" goshawk_training export --run "$run/$1" --data "$2" --out "$run/export/$3" || return 0
  cp "$run/export/$3/model.onnx" "$results/$4.onnx"
}
records() { # all small files
  for name in baseline student wider; do
    [ -f "$run/$name/history.jsonl" ] && mkdir -p "$run/export/$name" &&
      cp "$run/$name/history.jsonl" "$run/export/$name/"
  done
  tar -czf "$results/records.tar.gz" --exclude=model.onnx -C "$run" logs export $(cd "$run" && ls -d ./*/meta.json)
  for name in student wider; do
    local last="$run/$name/last.pt"
    [ ! -f "$last" ] || [ "$(stat -c %s "$last")" -gt 16000000 ] || cp "$last" "$results/$name-last.pt"
  done
}
watched() { # run, its scenes, validation scenes: evaluates and exports the current state, on the CPU
  local copy="$run/$1-so-far" last="$run/$1/last.pt"
  mkdir -p "$copy"
  export OMP_NUM_THREADS=4
  while sleep "${WATCH_SECONDS:-60}" >/dev/null 2>&1; do
    [ -f "$last" ] && cp "$last" "$copy/last.pt" || continue
    goshawk_training evaluate --model "$copy" --data "$3" 2>&1 | sed "s/^/[$SECONDS s] $1 so far: /" |
      grep --line-buffered "so far: AP" | tee -a "$run/logs/driver.log"
    exported "$1-so-far" "$2" "$1-so-far" "$1"
  done
}
finish() {
  for watcher in "${watching[@]}"; do kill "$watcher" 2>/dev/null; done
  records
}
watching=()
trap finish EXIT

adopted() { # run, store, model
  [ -f "$run/$1/last.pt" ] || goshawk_training adopt --family baseline --run "$run/$1" --data "$2" --model "$3"
}
{ # adopts the shipped weights: their norms' statistics need a few images
  scenes_of "$run/adopting" "$run/adopting-bilinear" 64 $((seed + 990))
  adopted student-0 "$run/adopting-bilinear" "${STUDENT_FROM:-$root/models/goshawk-street-pruned/4.0.0/model.onnx}" &
  adopted baseline-0 "$run/adopting" "${BASELINE_FROM:-$root/models/goshawk-street-baseline/3.0.0/model.onnx}"
  wait
} >"$run/logs/adopting.log" 2>&1 &
adopting=$!
scenes_of "$checked" "$checked-bilinear" "$validated" 800001 >"$run/logs/validation.log" 2>&1 &
validating=$!

say "scenes, $jobs in parallel"
logged scenes scenes_of "$run/train" "$run/train-bilinear" "$scenes" "$seed" --jobs "$jobs" --chunk "$chunk" \
  --max-seconds "$render_seconds" || exit 1
wait "$adopting" "$validating"
cat "$run/logs/adopting.log" "$run/logs/validation.log"
{ # evaluates the shipped models on the same scenes
  export OMP_NUM_THREADS=2
  goshawk_training evaluate --model "$run/baseline-0" --data "$checked"
  goshawk_training evaluate --model "$run/student-0" --data "$checked-bilinear"
} >"$run/logs/shipped.log" 2>&1 &

distilled() { # name, end time, parent, teacher, learning rate
  stage "$1" "$2" distill "$student_batch" --from "$3" --teacher "$4" --teacher-data "$run/train" \
    --data "$run/train-bilinear" --validation "$checked-bilinear" --lr "$5" --warmup-steps 300 --ema-decay 0.999
}
watched baseline "$run/train" "$checked" &
watching+=($!)
distilled student-before "$baseline_end" "$run/student-0" "$run/baseline-0" "${STUDENT_LR:-3e-3}" &
before=$!
stage baseline "$baseline_end" train "$baseline_batch" --from "$run/baseline-0" --data "$run/train" \
  --validation "$checked" --lr "${BASELINE_LR:-2e-3}" --warmup-steps 300 --mosaic 0.2 --unscaled 0.6 --plain-share 0.3
wait "$before"
kill "${watching[@]}" 2>/dev/null
exported baseline "$run/train" baseline baseline &
exporting=$!

teacher="$run/baseline"
[ -f "$teacher/last.pt" ] || teacher="$run/baseline-0"
parent="$run/student-before"
[ -f "$parent/last.pt" ] || parent="$run/student-0"
[ "$wider" = none ] || {
  logged pruned goshawk_training prune --from "$teacher" --teacher "$teacher" --teacher-data "$run/train" \
    --data "$run/train-bilinear" --run "$run/pruned" --device "$device" --resident --batch "$student_batch" --epochs 3 \
    --lr 1.5e-3 --warmup-steps 50 --element-cost 100 --sparsity-initial 0.3 --sparsity-final "$wider" \
    --sparsity-steps 10 --prune-share 0.7 --resume &&
    distilled wider "$student_end" "$run/pruned" "$teacher" "${WIDER_LR:-2e-3}"
} &
widening=$!
for name in student wider; do
  watched "$name" "$run/train-bilinear" "$checked-bilinear" &
  watching+=($!)
done
distilled student "$student_end" "$parent" "$teacher" "${STUDENT_LR:-3e-3}"
wait "$widening"
kill "${watching[@]}" 2>/dev/null
wait "$exporting"
for name in student wider; do
  exported "$name" "$run/train-bilinear" "$name" "$name"
done
grep AP "$run/logs/shipped.log"
tail -n 1 "$run"/*/history.jsonl
ls -l "$results"
say "done"
