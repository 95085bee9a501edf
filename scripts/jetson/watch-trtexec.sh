# shellcheck shell=bash
# Runs trtexec with its log in a file, and says what it is at. Sourced by build-engine. The lines that are
# looked for are those of TensorRT 8.6 to 10 as they stand in public logs; a line that is never seen costs
# nothing, the time goes on all the same. Not run on hardware.

# Seconds between two signs of life.
readonly HEARTBEAT=${GOSHAWK_HEARTBEAT:-30}

elapsed() { printf '%02d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }

# watch_trtexec LOG COMMAND...: the command's status.
watch_trtexec() {
  local log=$1 status
  shift
  SECONDS=0
  # the last line of what comes through the pipe is the status: a pipe has no place for one
  {
    "$@" 2>&1 && status=0 || status=$?
    printf 'goshawk-status %s\n' "$status"
  } | tell_phases "$log"
}

# tell_phases LOG: phases and counts from the lines on stdin, a sign of life in every HEARTBEAT seconds.
tell_phases() {
  local log=$1 line part='' layer='' timed=0 told=0 status=1
  : >"$log"
  while true; do
    if IFS= read -r -t 1 line; then
      line=$part$line part=''
      if [[ $line == 'goshawk-status '* ]]; then
        status=${line##* }
        break
      fi
      printf '%s\n' "$line" >>"$log"
      case $line in
        *'Timing Runner: '* | *'Computing costs for '*)
          timed=$((timed + 1))
          layer=${line##*Timing Runner: }
          layer=${layer##*Computing costs for }
          ;;
        *'Start parsing network model'*) phase 'reads the graph' ;;
        *'Finished parsing network model'*) phase 'graph is read; TensorRT tries kernels for each layer' ;;
        *'Detected '*' inputs and '*' outputs'*) phase 'kernels are chosen, the engine is put together' ;;
        *'Engine built in '*) phase "engine is built in ${line##*Engine built in }" ;;
        *'&&&& FAILED'*) phase 'trtexec failed' ;;
        *'[E] '*) phase "error: ${line##*\[E\] }" ;;
      esac
    elif (($? > 128)); then
      # nothing within the second; what was read so far is the beginning of a line
      part=$part$line
    else
      break
    fi
    if ((SECONDS - told >= HEARTBEAT)); then
      told=$SECONDS
      phase "at work${timed:+, $timed kernels timed}${layer:+, at $(printf '%.70s' "$layer")}"
    fi
  done
  return "$status"
}

phase() { printf '  %s  %s\n' "$(elapsed)" "$1"; }

# trtexec_version LOG: `10.3.0` from "&&&& RUNNING TensorRT.trtexec [TensorRT v100300]"; nothing where it does not say.
trtexec_version() {
  local number
  number=$(sed -n 's/.*RUNNING TensorRT.trtexec \[TensorRT v\([0-9]\{4,\}\)\].*/\1/p' "$1" | head -n 1)
  if [[ -z $number ]]; then return 0; fi
  # 10.3.0 is 100300, and until version 9 8.6.1 was 8601
  if ((number >= 10000)); then echo "$((number / 10000)).$((number / 100 % 100)).$((number % 100))"; else
    echo "$((number / 1000)).$((number / 100 % 10)).$((number % 100))"
  fi
}

# trtexec_capability LOG: `8.7` from "Compute Capability: 8.7"; nothing where it does not say.
trtexec_capability() { sed -n 's/.*Compute Capability: \([0-9]*\.[0-9]\).*/\1/p' "$1" | head -n 1; }
