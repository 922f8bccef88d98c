# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# tally.sh: the sum behind the closing line "N passed, N failed, N skipped".

tally_passed=0
tally_failed=0
tally_skipped=0

# Adds the last closing line of a file; a file without one counts as a failure.
tally_file() {
    local line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' -- "$1" | tail -n 1) || true
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        tally_passed=$((tally_passed + BASH_REMATCH[1]))
        tally_failed=$((tally_failed + BASH_REMATCH[2]))
        tally_skipped=$((tally_skipped + BASH_REMATCH[3]))
    else
        tally_failed=$((tally_failed + 1))
        return 1
    fi
}

tally_failure() {
    tally_failed=$((tally_failed + 1))
    say "FAIL  $*"
}

# Prints the closing line. Fails if anything failed, or if nothing passed: silence proves nothing.
tally_close() {
    printf '%d passed, %d failed, %d skipped\n' "$tally_passed" "$tally_failed" "$tally_skipped"
    [ "$tally_failed" = 0 ] && [ "$tally_passed" -gt 0 ]
}
