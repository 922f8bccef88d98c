# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# softhsm.sh: a software token in a directory. Like the software TPM, restoring its files does roll
# it back.

# start_softhsm DIR [LABEL]: makes a token (unless it is there), sets SOFTHSM2_CONF, and sets
# softhsm_uri. PINs in DIR/pin and DIR/so-pin. No process runs: the module is loaded by its users.
softhsm_uri=
start_softhsm() {
    local dir=$1 label=${2:-pawl}
    mkdir -p -- "$dir/tokens"
    printf '%s\n' "directories.tokendir = $dir/tokens" 'objectstore.backend = file' \
        'log.level = ERROR' 'slots.removable = false' >"$dir/softhsm2.conf"
    export SOFTHSM2_CONF=$dir/softhsm2.conf
    if [ ! -f "$dir/pin" ]; then
        (
            umask 077
            printf '624062\n' >"$dir/pin"
            printf '90214687\n' >"$dir/so-pin"
        )
        # These PINs guard a test double; its own tool takes them on the command line only.
        softhsm2-util --init-token --free --label "$label" --pin "$(cat -- "$dir/pin")" \
            --so-pin "$(cat -- "$dir/so-pin")" >"$dir/log" 2>&1 || {
            cat -- "$dir/log" >&2
            return 1
        }
    fi
    softhsm_uri="pkcs11:token=$label?module-path=$(softhsm_module)&pin-source=file:$dir/pin"
}

softhsm_module() {
    printf '/usr/lib/softhsm/libsofthsm2.so\n'
}

