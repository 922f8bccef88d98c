# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# peer.sh: builds the peer. For test-env/interop/cedar/run and for the bench.

# $1: this directory; $2: where to build, kept for the next time; $3: a log. Sets `peer` to the
# program, or `peer_reason` to why there is none.
build_peer() {
    local from=$1 to=$2 log=$3
    peer=
    peer_reason=
    if ! command -v cargo >/dev/null; then
        peer_reason="cargo is not installed"
        return 1
    fi
    mkdir -p -- "$to/source"
    # A copy, since cargo writes a lock file beside its input.
    cp -r -- "$from/Cargo.toml" "$from/src" "$to/source/"
    if ! (cd -- "$to/source" && CARGO_TARGET_DIR=$to/target timeout 1800 \
        cargo build --release --quiet) >"$log" 2>&1; then
        peer_reason=$(grep -m 1 -E '^error' -- "$log" || tail -n 1 -- "$log")
        peer_reason="cargo cannot build it: $peer_reason"
        return 1
    fi
    peer=$to/target/release/cedar-peer
}
