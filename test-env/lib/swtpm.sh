# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# swtpm.sh: a software TPM in a directory. Its state is a file, which is what makes it a double: a
# copy of that file put back does roll it back, unlike a chip.

# start_swtpm DIR: starts it and prints the hardware URI. State in DIR/state, process in DIR/pid.
start_swtpm() {
    local dir=$1
    mkdir -p -- "$dir/state"
    swtpm socket --tpm2 --daemon --tpmstate "dir=$dir/state" --pid "file=$dir/pid" \
        --server "type=unixio,path=$dir/sock" --ctrl "type=unixio,path=$dir/sock.ctrl" \
        --flags not-need-init,startup-clear --log "file=$dir/log" >&2 || return 1
    local tries
    for ((tries = 0; tries < 6000; tries++)); do
        if [ -S "$dir/sock" ] && [ -s "$dir/pid" ]; then
            printf 'tpm:swtpm:path=%s/sock\n' "$dir"
            return 0
        fi
        sleep 0.05
    done
    say "swtpm did not start; its log:"
    cat -- "$dir/log" >&2
    return 1
}

# stop_swtpm DIR: stops it as a power cut would, and waits until it is gone.
stop_swtpm() {
    local dir=$1 pid
    [ -s "$dir/pid" ] || return 0
    pid=$(cat -- "$dir/pid")
    kill -s TERM "$pid" 2>/dev/null || true
    while kill -s 0 "$pid" 2>/dev/null; do
        sleep 0.02
    done
    rm -f -- "$dir/pid" "$dir/sock" "$dir/sock.ctrl"
}

# restart_swtpm DIR: a reboot of the machine. Prints the URI again.
restart_swtpm() {
    stop_swtpm "$1"
    start_swtpm "$1"
}

# The TCTI of the same TPM for tpm2-tools.
swtpm_tcti() {
    printf 'cmd:/usr/bin/python3 %s/relay.py %s/sock\n' \
        "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")" "$1"
}
