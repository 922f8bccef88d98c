# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_bench.sh: measures a release build. JSON lines go to standard output, the table against the
# targets to standard error. On doubles that the programs start, unless a chip or a token is named.

verb_bench() {
    local dir status=0 tpm=() hsm=() ledger=() service=()
    while [ $# -gt 0 ]; do
        case $1 in
        --tpm)
            [ $# -gt 1 ] || die "--tpm needs a URI"
            tpm[0]=$2
            shift
            ;;
        --owner-auth-file)
            if [ $# -lt 2 ] || [ "${#tpm[@]}" = 0 ]; then
                die "--owner-auth-file FILE follows --tpm URI"
            fi
            tpm[1]=$2
            shift
            ;;
        --hsm)
            [ $# -gt 2 ] || die "--hsm needs a URI and a directory"
            hsm=("$2" "$3")
            shift 2
            ;;
        --entries)
            [[ $# -gt 1 && $2 =~ ^[0-9]+$ ]] || die "--entries needs a number"
            ledger=(--entries 10000 --entries 1000000 --entries "$2")
            shift
            ;;
        --docs) service=(--docs "$top/docs") ;;
        *) die "bench: no such option: $1" ;;
        esac
        shift
    done
    need_packages bench
    keep_tools
    make_private
    build release tpm/tpm_bench pkcs11/hsm_bench gate/cedar/cedar_bench gate/ledger/ledger_bench \
        gate/cli/pawl gate/daemon/pawld test-env/load/load_client test-env/load/floor \
        test-env/tpm_relay ||
        die "the release build failed"
    dir=$(build_dir release)

    bench_run "$dir/tpm/tpm_bench" "${tpm[@]}" || status=1
    bench_service "$dir" "${service[@]}" || status=1
    bench_run "$dir/pkcs11/hsm_bench" "${hsm[@]}" || status=1
    bench_cedar "$dir" || status=1
    bench_run "$dir/gate/ledger/ledger_bench" "${ledger[@]}" || status=1
    /usr/bin/python3 "$lib/targets.py" "$lib/targets.json" <"$private/bench" >&2 || status=1
    return "$status"
}

# pawld, on doubles, beside the bare commands of the TPM that were measured just before.
bench_service() {
    local round
    round=$(sed -n 's/.*"tpm_round_raw", "value": \([0-9.]*\).*/\1/p' "$private/bench")
    bench_run /usr/bin/python3 "$top/test-env/load/bench_service.py" "$1" \
        ${round:+--round-us "$round"} "${@:2}"
}

# The evaluator, beside Cedar's own implementation if that can be built, and counted by valgrind.
bench_cedar() {
    local bench=$1/gate/cedar/cedar_bench from=$top/test-env/interop/cedar size
    # shellcheck source=test-env/interop/cedar/peer.sh
    . "$from/peer.sh"
    say "bench: Cedar's own implementation: build"
    build_peer "$from" "$1/cedar-peer" "$private/cargo.log" ||
        for size in 1 10 100 1000; do
            bench_skip "cedar_over_rust_$size" "$peer_reason"
        done
    bench_run "$bench" ${peer:+"$peer"} || return 1
    if command -v valgrind >/dev/null; then
        bench_instructions "$bench"
    else
        bench_skip cedar_instructions "valgrind is not installed"
    fi
}

# Instructions of one decision over ten policies.
bench_instructions() {
    local count=1600 log=$private/callgrind
    child valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        --toggle-collect=cedar_authorize "$1" --decide 10 "$count" >/dev/null 2>"$log" </dev/null &&
        awk -v n="$count" '/Collected/ { printf "{\"metric\": \"cedar_instructions\", " \
            "\"value\": %.0f, \"unit\": \"1\"}\n", $NF / n }' <"$log" |
        tee -a -- "$private/bench"
}

# A figure that cannot be had here, and why.
bench_skip() {
    /usr/bin/python3 -c 'import json, sys; print(json.dumps(
        {"metric": sys.argv[1], "skipped": sys.argv[2]}))' "$1" "$2" | tee -a -- "$private/bench"
}

# Runs one bench program, its lines to standard output and to the collection.
bench_run() {
    say "bench: ${1##*/} ${*:2}"
    child "$@" >"$private/bench.one" </dev/null || {
        say "FAIL  ${1##*/}"
        return 1
    }
    tee -a -- "$private/bench" <"$private/bench.one"
}
