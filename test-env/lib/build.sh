# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# build.sh: one build directory per variant, under ./build or $PAWL_BUILD.

# The compiler and meson options of a variant, one word a line; the first word is the compiler.
variant_options() {
    case $1 in
    gcc) printf '%s\n' gcc -Dwerror=true ;;
    clang) printf '%s\n' clang -Dwerror=true ;;
    sanitize) printf '%s\n' gcc -Dwerror=true -Dsanitize=true ;;
    tsan) printf '%s\n' gcc -Dwerror=true -Db_sanitize=thread -Db_lundef=false ;;
    release) printf '%s\n' gcc --buildtype=release ;;
    fuzz) printf '%s\n' clang -Dfuzz=true -Dsanitize=true ;;
    *) die "no such variant: $1" ;;
    esac
}

build_dir() {
    printf '%s/%s\n' "${PAWL_BUILD:-$top/build}" "$1"
}

# Runs a command with its output in a log, and shows what failed in it only if it fails.
logged() {
    local log=$1
    shift
    child "$@" >>"$log" 2>&1 </dev/null && return 0
    { grep -A 20 -E '^FAILED:|ERROR:' -- "$log" || tail -n 40 -- "$log"; } | head -n 60 >&2
    say "failed: $* (all of it: $log)"
    return 1
}

# Configures and builds a variant, or some targets of it. A directory that was made with other
# options, by another compiler or not to the end is made anew; otherwise only what changed is built.
build() {
    local variant=$1 dir log options stamp
    shift
    dir=$(build_dir "$variant")
    mapfile -t options < <(variant_options "$variant")
    stamp="${options[*]} $("${options[0]}" --version | head -n 1) meson $(meson --version)"
    if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.variant" 2>/dev/null)" != "$stamp" ]; then
        rm -rf -- "$dir"
        mkdir -p -- "$dir"
        say "$variant: configure"
        log=$dir/setup.log
        CC=${options[0]} logged "$log" meson setup "$dir" "$top" "${options[@]:1}" || return 1
        printf '%s\n' "$stamp" >"$dir/.variant"
    fi
    say "$variant: build"
    log=$dir/build.log
    : >"$log"
    logged "$log" ninja ${PAWL_JOBS:+-j "$PAWL_JOBS"} -C "$dir" "$@" || return 1
}
