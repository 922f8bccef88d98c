# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_demo.sh: tells the story of test-env/demo/demo.sh on private doubles. The story is given
# PAWL and PAWLD (the programs), ROOT (tpm, hsm or both), DIR (a private directory) and TOP.

verb_demo() {
    local root=${1:-both}
    case $root in
    tpm | hsm | both) ;;
    *) die "demo: tpm, hsm or both" ;;
    esac
    need_packages demo
    make_private
    build gcc || die "the build failed"
    mkdir -p -- "$private/demo"
    child env PAWL="$(build_dir gcc)/gate/cli/pawl" PAWLD="$(build_dir gcc)/gate/daemon/pawld" \
        ROOT="$root" DIR="$private/demo" TOP="$top" "$top/test-env/demo/demo.sh" </dev/null
}
