#!/usr/bin/env bash
# Runs fuzz targets one after the other, each for some minutes on one core with the lowest priority.
#
#   tests/fuzz/queue.sh LOG_FOLDER MINUTES [TARGET...]
#
# LOG_FOLDER/summary.log gets one line for each target: executions, inputs kept, findings. LOG_FOLDER/TARGET.log is the
# fuzzer's own. Findings lie in tests/fuzz/artifacts/TARGET/. The targets must have been built (README.md).
set -euo pipefail
logs=$(realpath -m "$1")
minutes=$2
shift 2
cd "$(dirname "$0")"
if [ $# -eq 0 ]; then
    set -- zip tar multipart metadata htpasswd pypirc names headers distribution index_page answer xml_rpc \
        pip_conf tool_files netrc markup upload_fields pyproject settings authorization door
fi
mkdir -p "$logs"
programs=target/$(rustc +nightly -vV | sed -n 's/^host: //p')/release
for target in "$@"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    log=$logs/$target.log
    started=$(date +%s)
    # Crashes end a run; it is begun again until its time is over. A copy, so that rebuilding disturbs nothing.
    cp "$programs/$target" "$logs/$target.running"
    : >"$log"
    runs=0
    while left=$((started + minutes * 60 - $(date +%s))) && [ "$left" -gt 5 ] && [ "$runs" -lt 20 ]; do
        runs=$((runs + 1))
        nice -n 19 "$logs/$target.running" "corpus/$target" "seeds/$target" -artifact_prefix="artifacts/$target/" \
            -max_total_time="$left" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
            >>"$log" 2>&1 || echo "-- run $runs ended with $?" >>"$log"
    done
    executions=$(awk '/stat::number_of_executed_units/ { sum += $2 } END { print sum + 0 }' "$log")
    findings=$(grep -c '^-- run' "$log" || true)
    printf '%s %-14s %4d s %12d executions %6d inputs kept %3d findings\n' "$(date +%H:%M)" "$target" \
        $(($(date +%s) - started)) "$executions" "$(find "corpus/$target" -type f | wc -l)" "$findings" \
        >>"$logs/summary.log"
    rm "$logs/$target.running"
done
echo "$(date +%H:%M) the queue is done" >>"$logs/summary.log"
