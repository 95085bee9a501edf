# shellcheck shell=bash disable=SC2034 # variables are for the script that sources this
# Checks of the board that the scripts here make before they touch anything. Sourced; each check names the
# variables that it sets. GOSHAWK_JETSON_ROOT is put before every system path that is read: tests put a
# simulated board there.

root=${GOSHAWK_JETSON_ROOT:-}
table=${BASH_SOURCE[0]%/*}/jetpack-table.tsv

# Estimates: CUDA kernels without the attention kernels, and a build tree for one GPU architecture.
readonly NEEDED_DISK_GIB=25 NEEDED_MEMORY_GIB=12 MEMORY_PER_JOB_GIB=4

first_code=0

# problem CODE WHAT FIX: prints one line; the checks continue, so that one run reports every problem.
problem() {
  printf '%s: %s; fix: %s\n' "${0##*/}" "$2" "$3" >&2
  if ((first_code == 0)); then first_code=$1; fi
}

# fail CODE WHAT FIX: the same, and exits, if further checks make no sense.
fail() {
  problem "$@"
  exit "$1"
}

finding() { printf '  %-10s %s\n' "$1" "$2"; }

# at_least VERSION MINIMUM
at_least() { [[ $(printf '%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# package_version REGEX: version of the first installed Debian package of that name, or nothing.
package_version() {
  awk -v name="^($1)\$" '
    /^Package: / { wanted = $2 ~ name; installed = 0 }
    /^Status: / { installed = / installed$/ }
    /^Version: / && wanted && installed { print $2; exit }
  ' "$root/var/lib/dpkg/status" 2>/dev/null || true
}

# jetpack_row L4T: that release's line of the table; for an unlisted patch release, the newest of its minor
# release.
jetpack_row() {
  awk -F '\t' -v l4t="$1" '
    /^#/ || $1 == "l4t" { next }
    $1 == l4t { exact = $0 }
    { split($1, row, "."); split(l4t, asked, "."); if (row[1] == asked[1] && row[2] == asked[2]) near = $0 }
    END { if (exact != "") print exact; else if (near != "") print near }
  ' "$table"
}

# Sets: jetpack, gpu_architecture, and what JetPack ships (expected_cuda, expected_tensorrt, expected_cudnn).
check_board() {
  local release=$root/etc/nv_tegra_release l4t row board family gpus listed_l4t
  [[ -r $release ]] ||
    fail 10 'this is not a Jetson: /etc/nv_tegra_release is missing' \
      'run it on a Jetson with JetPack 6.1 or newer (docs/jetson.md)'
  [[ $(uname -m) == aarch64 ]] ||
    fail 11 "the processor is $(uname -m), not aarch64" \
      'run it on the Jetson itself, not on the computer that flashes it'

  l4t=$(sed -n '1s/^# R\([0-9]*\) (release), REVISION: \([0-9.]*\),.*/\1.\2/p' "$release")
  row=$(jetpack_row "$l4t")
  [[ -n $row ]] ||
    fail 12 "Jetson Linux ${l4t:-of unknown version} is not in scripts/jetson/jetpack-table.tsv" \
      'install JetPack 6.1 or newer, or add a line for this release to the table'
  IFS=$'\t' read -r listed_l4t jetpack _ _ expected_cuda expected_tensorrt expected_cudnn gpus <<<"$row"
  local package
  package=$(package_version nvidia-jetpack | grep . || echo missing)
  finding JetPack "$jetpack (Jetson Linux $l4t, package nvidia-jetpack $package)"
  [[ $listed_l4t == "$l4t" ]] || finding note "$l4t is not in the table: treated as $listed_l4t"

  board=$(tr '\0' ' ' <"$root/proc/device-tree/compatible" 2>/dev/null || true)
  case $board in
    *nvidia,tegra234*) family=orin ;;
    *nvidia,tegra264*) family=thor ;;
    *)
      fail 13 "the module (${board:-unknown}) is neither Orin nor Thor" \
        'none: older modules end at JetPack 5, whose TensorRT 8 is not supported'
      ;;
  esac
  gpu_architecture=$(tr ',' '\n' <<<"$gpus" | sed -n "s/^$family=//p")
  [[ -n $gpu_architecture ]] ||
    fail 13 "JetPack $jetpack does not support $family modules" 'install a JetPack release that does (docs/jetson.md)'
  finding module "$family, CUDA architecture $gpu_architecture"
}

# compare NAME INSTALLED EXPECTED: reports a version, with a note if JetPack ships another.
compare() {
  finding "$1" "$2"
  [[ $2 == "$3" || $2 == "$3".* ]] ||
    finding note "JetPack $jetpack ships $1 $3: engines must be built with what is installed here"
}

# Sets: cuda_home, library_home, cuda, tensorrt, cudnn.
check_libraries() {
  cuda_home=$root/usr/local/cuda
  library_home=$root/usr/lib/aarch64-linux-gnu
  cuda=$("$cuda_home/bin/nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\),.*/\1/p' || true)
  tensorrt=$(package_version 'libnvinfer-dev')
  cudnn=$(package_version 'libcudnn9-dev-cuda-[0-9]+')
  if [[ -n $cuda ]]; then compare CUDA "$cuda" "$expected_cuda"; else
    problem 14 'no CUDA compiler at /usr/local/cuda/bin/nvcc' 'sudo apt install nvidia-jetpack'
  fi
  if [[ -n $tensorrt ]]; then compare TensorRT "$tensorrt" "$expected_tensorrt"; else
    problem 15 'the TensorRT headers (package libnvinfer-dev) are not installed' 'sudo apt install nvidia-jetpack'
  fi
  if [[ -n $cudnn ]]; then compare cuDNN "$cudnn" "$expected_cudnn"; else
    problem 16 'the cuDNN 9 headers (package libcudnn9-dev-cuda-*) are not installed' 'sudo apt install nvidia-jetpack'
  fi
}

check_tools() {
  local tool version
  for tool in git g++ python3 npm; do
    command -v "$tool" >/dev/null ||
      problem 17 "$tool is not installed" 'sudo apt install git g++ python3-venv, and Node.js 20 or newer'
  done
  if version=$(g++ -dumpfullversion 2>/dev/null); then
    at_least "$version" 11.1 ||
      problem 17 "g++ $version is older than 11.1" 'sudo apt install g++-11, then export CC=gcc-11 CXX=g++-11'
  fi
  python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    problem 17 'python3 is older than 3.10, or cannot create virtual environments' 'sudo apt install python3-venv'
  version=$(cmake --version 2>/dev/null | sed -n '1s/cmake version //p' || true)
  finding cmake "${version:-none} here; the build uses $CMAKE_VERSION in its own virtual environment"
}

# check_room FOLDER. Sets: jobs (parallel compilers, unless given).
check_room() {
  local folder=$1 free total
  until [[ -d $folder ]]; do folder=$(dirname -- "$folder"); done
  free=$(($(df -Pk "$folder" | awk 'NR == 2 { print $4 }') / 1024 / 1024))
  ((free >= NEEDED_DISK_GIB)) ||
    problem 18 "$folder has $free GiB free, the build needs $NEEDED_DISK_GIB" \
      'free some space, or give a folder on another disk with --work'
  total=$(awk '/^(MemTotal|SwapTotal):/ { sum += $2 } END { printf "%d", sum / 1024 / 1024 }' "$root/proc/meminfo")
  ((total >= NEEDED_MEMORY_GIB)) ||
    problem 19 "memory and swap add up to $total GiB, the build needs $NEEDED_MEMORY_GIB" \
      'sudo fallocate -l 8G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && sudo swapon /swapfile'
  if [[ -z $jobs ]]; then
    jobs=$((total / MEMORY_PER_JOB_GIB))
    if ((jobs > $(nproc))); then jobs=$(nproc); fi
    if ((jobs < 1)); then jobs=1; fi
  fi
  finding room "$free GiB free, $total GiB of memory and swap, $jobs parallel compilers"
}
