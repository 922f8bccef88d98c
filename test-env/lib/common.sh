# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# common.sh: messages, the private directory, and the clean-up of everything that was started.

say() {
    printf '%s\n' "$*" >&2
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Sets `private` to a fresh directory that clean_up removes. Sockets, tokens, homes and temporary
# files of every program that is started lie in it. Short, since a socket path ends at 107 bytes.
private=
make_private() {
    [ -z "$private" ] || return 0
    private=$(mktemp -d "${TMPDIR:-/tmp}/pawl-XXXXXX")
    mkdir "$private/home" "$private/tmp"
    chmod 0711 "$private" "$private/tmp" # tests that are another user pass through; nobody looks
    export HOME=$private/home TMPDIR=$private/tmp
    export PAWL_RUN=$private
    unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_RUNTIME_DIR
    unset TCTI TPM2TOOLS_TCTI TPM2TSS_TCTI SOFTHSM2_CONF PKCS11_MODULE OPENSSL_CONF
    unset PAWL_STATE
    export CCACHE_DISABLE=1
}

# Where this user's go, pip and cargo fetch from, and cargo's own place: for programs of others that
# are built. Before make_private, whose home has no such settings.
keep_tools() {
    [ ! -f "${HOME:-}/.config/go/env" ] || export GOENV=$HOME/.config/go/env
    [ ! -f "${HOME:-}/.config/pip/pip.conf" ] || export PIP_CONFIG_FILE=$HOME/.config/pip/pip.conf
    [ ! -d "${HOME:-}/.cargo" ] || export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
    [ ! -d "${HOME:-}/.rustup" ] || export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
}

# The processes that carry our mark in their environment: descendants of this script, also those
# that became daemons or left the process group. Never anybody else's.
started() {
    [ -n "$private" ] || return 0
    (
        export -n PAWL_RUN
        grep -lzxF -- "PAWL_RUN=$private" /proc/[0-9]*/environ 2>/dev/null || true
    ) | while IFS=/ read -r _ _ pid _; do
        [ "$pid" = "$$" ] || printf '%s\n' "$pid"
    done
}

stop_started() {
    local signal pids round
    for signal in TERM KILL; do
        for round in 1 2 3 4 5 6 7 8 9 10; do
            pids=$(started)
            [ -n "$pids" ] || return 0
            if [ "$round" = 1 ]; then
                # shellcheck disable=SC2086 # one word per process
                kill -s "$signal" $pids 2>/dev/null || true
            fi
            sleep 0.2
        done
    done
}

clean_up() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    stop_started
    [ -z "$private" ] || rm -rf -- "$private"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Runs a command so that a signal to this script is acted on at once and not when the command ends.
child() {
    "$@" &
    wait "$!"
}
