# shellcheck shell=bash
# Runs trtexec with its log in a file, and reports its progress. Sourced by build-engine. It recognizes the log
# lines of TensorRT 8.6 to 10, taken from public logs. Lines that never come do no harm: the elapsed time is
# reported anyway. Not run on hardware.

# Seconds between two progress lines.
readonly HEARTBEAT=${GOSHAWK_HEARTBEAT:-30}

elapsed() { printf '%02d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }

# watch_trtexec LOG COMMAND...: runs the command and returns its status.
watch_trtexec() {
  local log=$1 status
  shift
  SECONDS=0
  # the last line of the pipe is the status, since a pipe does not carry one
  {
    "$@" 2>&1 && status=0 || status=$?
    printf 'goshawk-status %s\n' "$status"
  } | report_phases "$log"
}

# report_phases LOG: reports phases and counts from the lines on stdin, and progress every HEARTBEAT seconds.
report_phases() {
  local log=$1 line part='' layer='' timed=0 reported=0 status=1
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
        *'Start parsing network model'*) phase 'reading the graph' ;;
        *'Finished parsing network model'*) phase 'graph read; trying kernels for each layer' ;;
        *'Detected '*' inputs and '*' outputs'*) phase 'kernels chosen; assembling the engine' ;;
        *'Engine built in '*) phase "engine built in ${line##*Engine built in }" ;;
        *'&&&& FAILED'*) phase 'trtexec failed' ;;
        *'[E] '*) phase "error: ${line##*\[E\] }" ;;
      esac
    elif (($? > 128)); then
      # nothing within a second; what was read so far is the beginning of a line
      part=$part$line
    else
      break
    fi
    if ((SECONDS - reported >= HEARTBEAT)); then
      reported=$SECONDS
      phase "working${timed:+, $timed kernels timed}${layer:+, at $(printf '%.70s' "$layer")}"
    fi
  done
  return "$status"
}

phase() { printf '  %s  %s\n' "$(elapsed)" "$1"; }

# trtexec_version LOG: `10.3.0` from "&&&& RUNNING TensorRT.trtexec [TensorRT v100300]"; nothing if it is not
# reported.
trtexec_version() {
  local number
  number=$(sed -n 's/.*RUNNING TensorRT.trtexec \[TensorRT v\([0-9]\{4,\}\)\].*/\1/p' "$1" | head -n 1)
  if [[ -z $number ]]; then return 0; fi
  # 10.3.0 is 100300; before version 10, 8.6.1 was 8601
  if ((number >= 10000)); then echo "$((number / 10000)).$((number / 100 % 100)).$((number % 100))"; else
    echo "$((number / 1000)).$((number / 100 % 10)).$((number % 100))"
  fi
}

# trtexec_capability LOG: `8.7` from "Compute Capability: 8.7"; nothing if it is not reported.
trtexec_capability() { sed -n 's/.*Compute Capability: \([0-9]*\.[0-9]\).*/\1/p' "$1" | head -n 1; }
