# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_mutate.sh: breaks the evaluator in many places, one at a time, in copies of the sources, and
# sees whether a test notices: test-env/mutate/mutate.py.

verb_mutate() {
    local count=${1:-200}
    [[ $count =~ ^([0-9]+|all)$ ]] || die "mutate: a number of faults, or all"
    need_packages mutate
    make_private
    mkdir -p -- "$(build_dir mutate)"
    child /usr/bin/python3 "$top/test-env/mutate/mutate.py" "$top" "$(build_dir mutate)" "$count" \
        "${@:2}" </dev/null
}
