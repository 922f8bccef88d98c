# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_bench.sh: measures a release build. JSON lines go to standard output, the table against the
# targets to standard error. On private doubles, unless a chip or a token is named.

verb_bench() {
    local dir status=0 tpm='' hsm='' hsm_dir=''
    while [ $# -gt 0 ]; do
        case $1 in
        --tpm)
            [ $# -gt 1 ] || die "--tpm needs a URI"
            tpm=$2
            shift
            ;;
        --hsm)
            [ $# -gt 2 ] || die "--hsm needs a URI and a directory"
            hsm=$2 hsm_dir=$3
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

    [ -n "$tpm" ] || tpm=$(start_swtpm "$private/tpm")
    bench_run "$dir/tpm/tpm_bench" "$tpm" || status=1
    if [ -n "$hsm" ]; then
        bench_run "$dir/pkcs11/hsm_bench" "$hsm" "$hsm_dir" || status=1
    else
        bench_run "$dir/pkcs11/hsm_bench" || status=1
    fi
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
