# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_bench.sh: measures a release build on private doubles. JSON lines go to standard output, the
# table against the targets to standard error.

verb_bench() {
    local dir tpm status=0
    [ $# = 0 ] || die "bench takes no arguments"
    need_packages bench
    make_private
    build release || die "the release build failed"
    dir=$(build_dir release)

    tpm=$(start_swtpm "$private/tpm")
    start_softhsm "$private/hsm"
    bench_run "$dir/tpm/tpm_bench" "$tpm" || status=1
    bench_run "$dir/pkcs11/hsm_bench" "$softhsm_uri" || status=1
    /usr/bin/python3 "$lib/targets.py" "$lib/targets.json" \
        <"$private/bench" >&2 || status=1
    return "$status"
}

# Runs one bench program on a hardware URI, its lines to standard output and to the collection.
bench_run() {
    local program=$1 uri=$2
    say "bench: ${program##*/} on $uri"
    child "$program" "$uri" >"$private/bench.one" </dev/null || {
        say "FAIL  ${program##*/}"
        return 1
    }
    tee -a -- "$private/bench" <"$private/bench.one"
}
