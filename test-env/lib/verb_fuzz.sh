# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_fuzz.sh: runs each fuzz target for a while, beginning from its corpus. New inputs stay in the
# private directory; a crash is copied to the build directory and named.

verb_fuzz() {
    local seconds=30 targets=() target dir
    if [[ ${1:-} =~ ^[0-9]+$ ]]; then
        seconds=$1
        shift
    fi
    need_packages fuzz
    make_private
    build fuzz || die "the fuzz build failed"
    dir=$(build_dir fuzz)
    while read -r target; do
        targets+=("$target")
    done < <(find "$dir" -type f -name '*_fuzz' -perm -u+x | sort)
    for target in "${targets[@]}"; do
        [ $# -gt 0 ] && [[ " $* " != *" ${target##*/} "* ]] && continue
        fuzz_one "$target" "$seconds"
    done
    tally_close
}

fuzz_one() {
    local target=$1 seconds=$2 name=${1##*/} corpus work=$private/fuzz/${1##*/} log
    corpus=$top/test-env/fuzz/corpus/$name
    log=$work/log
    mkdir -p -- "$work/new" "$work/crash"
    local dirs=("$work/new")
    [ ! -d "$corpus" ] || dirs+=("$corpus")
    [ ! -f "$top/test-env/fuzz/$name.dict" ] || dirs+=("-dict=$top/test-env/fuzz/$name.dict")
    if child "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$work/crash/" "${dirs[@]}" >"$log" 2>&1 </dev/null; then
        tally_passed=$((tally_passed + 1))
        printf 'PASS  %s: %s\n' "$name" "$(grep -E '^Done ' -- "$log" | tail -n 1)"
        return 0
    fi
    tail -n 40 -- "$log" >&2
    mkdir -p -- "$(build_dir fuzz)/crashes/$name"
    cp -- "$work/crash/"* "$(build_dir fuzz)/crashes/$name/" 2>/dev/null || true
    tally_failure "$name: inputs in $(build_dir fuzz)/crashes/$name"
}
