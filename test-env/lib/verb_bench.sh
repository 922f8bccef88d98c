# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_bench.sh: measures a release build. JSON lines go to standard output, the table against the
# targets to standard error. On doubles that the programs start, unless a chip or a token is named.

verb_bench() {
    local dir status=0 tpm=() hsm=()
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
        *) die "bench: no such option: $1" ;;
        esac
        shift
    done
    need_packages bench
    make_private
    build release tpm/tpm_bench pkcs11/hsm_bench || die "the release build failed"
    dir=$(build_dir release)

    bench_run "$dir/tpm/tpm_bench" "${tpm[@]}" || status=1
    bench_run "$dir/pkcs11/hsm_bench" "${hsm[@]}" || status=1
    /usr/bin/python3 "$lib/targets.py" "$lib/targets.json" <"$private/bench" >&2 || status=1
    return "$status"
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
