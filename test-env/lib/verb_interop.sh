# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_interop.sh: runs test-env/interop/NAME/run for each NAME; numbers among the names, and "all",
# are its arguments. Such a script compares pawl with
# another program, is given PAWL, BUILD, TOP and DIR, and ends with the closing line. A program that
# cannot be had here is skipped; when none can be had, that is no failure.

verb_interop() {
    local names=() numbers=() name run
    for name in "$@"; do
        if [[ $name =~ ^([0-9]+|all)$ ]]; then
            numbers+=("$name")
        else
            names+=("$name")
        fi
    done
    need_packages interop
    keep_tools
    make_private
    if [ "${#names[@]}" = 0 ]; then
        for run in "$top"/test-env/interop/*/run; do
            [ ! -x "$run" ] || names+=("$(basename -- "$(dirname -- "$run")")")
        done
    fi
    build gcc || die "the build failed"
    for name in "${names[@]}"; do
        interop_one "$name" "${numbers[@]}"
    done
    tally_close || { [ "$tally_failed" = 0 ] && [ "$tally_skipped" -gt 0 ]; }
}

interop_one() {
    local name=$1 run=$top/test-env/interop/$1/run status=0
    [ -x "$run" ] || die "interop: no such comparison: $name"
    say "interop: $name"
    mkdir -p -- "$private/$name"
    child env TOP="$top" BUILD="$(build_dir gcc)" PAWL="$(build_dir gcc)/gate/cli/pawl" \
        DIR="$private/$name" "$run" "${@:2}" >"$private/$name.out" </dev/null || status=$?
    cat -- "$private/$name.out"
    local failed=$tally_failed
    if ! tally_file "$private/$name.out"; then
        say "FAIL  $name: no closing line, exit status $status"
    elif [ "$status" != 0 ] && [ "$tally_failed" = "$failed" ]; then
        tally_failure "$name: exit status $status"
    fi
}
