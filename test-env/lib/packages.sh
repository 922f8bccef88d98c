# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# packages.sh: which Debian packages each verb needs, and their installation. The names are the same
# on Debian 12 and 13.

packages_build=(gcc libc6-dev meson ninja-build pkg-config python3 libssl-dev libjansson-dev
    libtss2-dev libp11-dev libp11-kit-dev libsqlite3-dev libcurl4-openssl-dev libevent-dev
    libsystemd-dev libseccomp-dev libcmocka-dev scdoc)
packages_doubles=(swtpm swtpm-tools softhsm2 tpm2-tools opensc openssl p11-kit p11-kit-modules)
packages_test=(clang clang-format faketime python3-cryptography shellcheck systemd)
packages_bench=(valgrind)
packages_peers=(python3-pip python3-cbor2 python3-cryptography)

packages_for() {
    case $1 in
    mutate) printf '%s\n' "${packages_build[@]}" ;;
    demo | shell) printf '%s\n' "${packages_build[@]}" "${packages_doubles[@]}" ;;
    bench) printf '%s\n' "${packages_build[@]}" "${packages_doubles[@]}" "${packages_bench[@]}" ;;
    test) printf '%s\n' "${packages_build[@]}" "${packages_doubles[@]}" "${packages_test[@]}" ;;
    interop)
        printf '%s\n' "${packages_build[@]}" "${packages_doubles[@]}" "${packages_peers[@]}"
        ;;
    fuzz) printf '%s\n' "${packages_build[@]}" clang libclang-rt-dev llvm ;;
    esac
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command as root, or fails.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n -- "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# Installs what the verb needs and does not find. When all is there nothing is run at all.
need_packages() {
    local missing=() package
    command -v dpkg-query >/dev/null || die "this needs Debian 12 or 13: dpkg-query is not here"
    while read -r package; do
        is_installed "$package" || missing+=("$package")
    done < <(packages_for "$1")
    [ "${#missing[@]}" -gt 0 ] || return 0

    local install=(apt-get install -y --no-install-recommends "${missing[@]}")
    if ! can_be_root; then
        say "error: these packages are missing, and neither root nor 'sudo -n' is at hand"
        say "  run this, then try again:"
        say "    sudo apt-get update && sudo ${install[*]}"
        exit 1
    fi
    say "installing: ${missing[*]}"
    local quiet=(env DEBIAN_FRONTEND=noninteractive)
    # The package lists are fetched only when they do not know a package or are too old to fetch it.
    if apt-cache show -- "${missing[@]}" >/dev/null 2>&1 &&
        child as_root "${quiet[@]}" "${install[@]}" >&2 </dev/null; then
        return 0
    fi
    child as_root "${quiet[@]}" apt-get update >&2 </dev/null || die "apt-get update failed"
    child as_root "${quiet[@]}" "${install[@]}" >&2 </dev/null || die "apt-get install failed"
}
