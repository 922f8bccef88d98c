# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_test.sh: builds each variant and runs its test suites; the source checks run once, and what
# has threads once more under ThreadSanitizer.

# Runs the suites of one variant and adds up its results. $1: name shown; $2: build variant; the
# rest: suites.
test_variant() {
    local name=$1 variant=$2 suite log args=() targets=()
    shift 2
    for suite in "$@"; do
        args+=(--suite "$suite")
    done
    case $variant in
    sanitize) args+=(--timeout-multiplier 10) ;;
    tsan) args+=(--timeout-multiplier 10) targets=(threads) ;;
    esac
    if ! build "$variant" "${targets[@]}"; then
        tally_failure "$name: it does not build"
        return 0
    fi
    say "$name: test"
    log=$(build_dir "$variant")/meson-logs/$name
    rm -f -- "$log".json "$log".txt
    child env ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1" \
        UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1" \
        TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$lib/tsan.supp" \
        meson test -C "$(build_dir "$variant")" --no-rebuild --logbase "$name" "${args[@]}" \
        >"$private/meson.out" 2>&1 </dev/null || true
    /usr/bin/python3 "$lib/summary.py" "$name" "$log.json" >"$private/summary" || true
    sed -E "s/^([0-9]+ passed, .*)/$name: \1/" -- "$private/summary"
    tally_file "$private/summary" || {
        tail -n 20 -- "$private/meson.out" >&2
        say "FAIL  $name: the tests did not run"
    }
}

verb_test() {
    local variants=() suites=() variant
    while [ $# -gt 0 ]; do
        case $1 in
        checks | gcc | clang | sanitize | tsan) variants+=("$1") ;;
        --suite)
            [ $# -gt 1 ] || die "--suite needs a name"
            suites+=("$2")
            shift
            ;;
        --suite=*) suites+=("${1#--suite=}") ;;
        *) die "test: no such variant or option: $1" ;;
        esac
        shift
    done
    if [ "${#variants[@]}" = 0 ]; then
        variants=(checks gcc clang sanitize tsan)
        [ "${#suites[@]}" = 0 ] || variants=(gcc clang sanitize)
    fi
    [ "${#suites[@]}" -gt 0 ] || suites=(unit tpm hsm integration)

    need_packages test
    make_private
    for variant in "${variants[@]}"; do
        if [ "$variant" = checks ]; then
            test_variant checks gcc checks
        elif [ "$variant" = tsan ]; then
            test_variant tsan tsan threads
        else
            test_variant "$variant" "$variant" "${suites[@]}"
        fi
    done
    tally_close
}
