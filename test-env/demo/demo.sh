#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh: the main job of pawl, told in plain text on a software TPM and a software token.
# Run it through ./test-env/run demo, which gives PAWL and PAWLD (the programs), ROOT (tpm, hsm or
# both), DIR and TOP.
set -euo pipefail

: "${PAWL:?run me through ./test-env/run demo}" "${PAWLD:?}" "${ROOT:=both}" "${DIR:?}" "${TOP:?}"
# shellcheck source=test-env/lib/common.sh
. "$TOP/test-env/lib/common.sh"
# shellcheck source=test-env/lib/swtpm.sh
. "$TOP/test-env/lib/swtpm.sh"
# shellcheck source=test-env/lib/softhsm.sh
. "$TOP/test-env/lib/softhsm.sh"
# shellcheck source=test-env/lib/image.sh
. "$TOP/test-env/lib/image.sh"

step=0
chapter() {
    step=$((step + 1))
    printf '\n%s. %s\n' "$step" "$*"
}

# A command as a person would type it.
typed() {
    local word
    printf '   $ pawl'
    for word in "${@//$work\//}"; do
        case $word in
        *[!a-zA-Z0-9_.,:=/@%+-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
}

# Shows a command, then what it prints, indented.
show() {
    typed "$@"
    "$PAWL" "$@" 2>&1 | sed 's/^/     /'
}

# The same for a command that must be refused with this exit code.
refused() {
    local want=$1 got=0
    shift
    typed "$@"
    "$PAWL" "$@" >"$work/out" 2>&1 || got=$?
    sed 's/^/     /' "$work/out"
    printf '     (exit code %s)\n' "$got"
    [ "$got" = "$want" ] || die "the demo expected exit code $want"
}

service=
end_service() {
    kill "$service"
    wait "$service" || die "pawld ended with exit code $?"
    service=
}

# The gate as a service, until end_service.
serve() {
    printf '   $ pawld --state state &\n'
    "$PAWLD" --state "$work/state" --log none >"$work/pawld.log" 2>&1 &
    service=$!
    until grep -q serving "$work/pawld.log"; do
        kill -0 "$service" || die "pawld does not serve: $(cat "$work/pawld.log")"
        sleep 0.05
    done
    grep serving "$work/pawld.log" | sed 's/^/     /'
}

check() {
    printf '%s\n' check --agent build-7 --action exec --class execute \
        --resource 'program::/usr/bin/curl'
}

# A permit is a COSE message; what is signed in it can be checked with nothing but openssl.
with_openssl() {
    local parts=$work/parts part
    local take=(permit show "$work/permit.cose" --root "$work/root.cose"
        --enrolment "$work/gate.enrolment" --parts "$parts")
    typed "${take[@]}"
    "$PAWL" "${take[@]}" | tail -n 1 | sed 's/^/     /'
    for part in record rotation receipt; do
        printf '   $ openssl dgst -sha256 -verify parts/%s.pem ' "$part"
        printf -- '-signature parts/%s.sig parts/%s.tbs\n' "$part" "$part"
        openssl dgst -sha256 -verify "$parts/$part.pem" -signature "$parts/$part.sig" \
            "$parts/$part.tbs" | sed 's/^/     /'
    done
}

tell() {
    local kind=$1 uri=$2
    shift 2
    work=$DIR/$kind
    mkdir -p "$work"
    cd "$work"
    step=0

    chapter "The authority makes its keys and root metadata (its own machine, no TPM needed)."
    show authority init "$work/authority" --domain example.org

    chapter "The gate is enrolled: $kind root. The authority gets the enrolment file."
    show init --state "$work/state" --hardware "$uri" --trust "$work/authority/enrol.bundle" \
        --gate gate-1 --insecure-simulator -o "$work/gate.enrolment" "$@"

    chapter "Epoch 1: the authority signs a policy and publishes it; the gate installs it."
    printf 'permit (principal == agent::"build-7", action == Action::"exec", resource);\n' \
        >"$work/rules-1.cedar"
    sed 's/^/     | /' "$work/rules-1.cedar"
    show policy sign "$work/rules-1.cedar" --authority "$work/authority" --alias builds \
        --actions execute
    show publish --authority "$work/authority" --for "$work/gate.enrolment" \
        -o "$work/epoch-1.bundle"
    show install --state "$work/state" "$work/epoch-1.bundle"

    chapter "An agent wants to run curl. The gate permits it, on record, signed by the hardware."
    mapfile -t request < <(check)
    show "${request[@]}" --state "$work/state" -o "$work/permit.cose"

    chapter "Anyone can verify the permit offline, with pawl or with openssl."
    cp "$work/authority/root/1.cose" "$work/root.cose"
    printf '   $ cp authority/root/1.cose root.cose\n'
    show permit verify "$work/permit.cose" --root "$work/root.cose" \
        --enrolment "$work/gate.enrolment"
    with_openssl

    chapter "Somebody keeps a copy of the gate's disk."
    snapshot "$work/state" "$work/old-disk"
    printf '   $ cp -a state old-disk\n'

    chapter "The gate becomes a service: agents ask it on a socket, and pawl goes through it."
    serve
    show "${request[@]}" --state "$work/state"
    show doctor --state "$work/state"

    chapter "Epoch 2: a stricter policy. The same request is denied now, unless there is a ticket."
    {
        cat "$work/rules-1.cedar"
        printf '@id("no-downloads")\n'
        printf 'forbid (principal, action, resource == program::"/usr/bin/curl")\n'
        printf 'unless { context has ticket && context.ticket like "OPS-*" };\n'
    } >"$work/rules-2.cedar"
    sed 's/^/     | /' "$work/rules-2.cedar"
    show policy sign "$work/rules-2.cedar" --authority "$work/authority" --alias builds \
        --actions execute
    show publish --authority "$work/authority" --for "$work/gate.enrolment" \
        -o "$work/epoch-2.bundle"
    show install --state "$work/state" "$work/epoch-2.bundle"
    refused 10 "${request[@]}" --state "$work/state"
    printf '   $ kill %%%%\n'
    end_service
    refused 10 "${request[@]}" --state "$work/state" --explain
    show "${request[@]}" --state "$work/state" --context '{"ticket": "OPS-7"}'

    chapter "An auditor who has only the published files checks all of it, without hardware."
    show log export --state "$work/state" "$work/copy"
    show log audit "$work/copy" --enrolment "$work/gate.enrolment" --root "$work/root.cose" \
        --permits "$work/permit.cose"
    show log show --state "$work/state"

    chapter "Nobody shortens the ledger: a copy from a minute ago is put back, of the same epoch."
    snapshot "$work/state" "$work/a-minute-ago"
    printf '   $ cp -a state a-minute-ago\n'
    show "${request[@]}" --state "$work/state" --context '{"ticket": "OPS-8"}'
    restore "$work/state" "$work/a-minute-ago"
    printf '   $ cp -a a-minute-ago state\n'
    refused 43 "${request[@]}" --state "$work/state" --context '{"ticket": "OPS-9"}'

    chapter "The old disk is put back, with its laxer policy. The hardware refuses."
    restore "$work/state" "$work/old-disk"
    printf '   $ cp -a old-disk state\n'
    refused 24 "${request[@]}" --state "$work/state"
    refused 24 install --state "$work/state" "$work/epoch-1.bundle"
}

tell_tpm() {
    local uri
    printf '\n=== TPM root: a counter in NV memory that only the authority can step ===\n'
    uri=$(start_swtpm "$DIR/swtpm")
    tell tpm "$uri"

    chapter "Even with root and TPM tools: nobody but the authority steps the counter."
    printf '   $ tpm2_nvincrement 0x01800100\n'
    if env -u TSS2_LOG TPM2TOOLS_TCTI="$(swtpm_tcti "$DIR/swtpm")" \
        tpm2_nvincrement 0x01800100 >"$DIR/nvincrement" 2>&1; then
        die "the TPM let anybody step the counter"
    fi
    sed -n 's/^ERROR:.*ErrorCode (\(.*\)).*/     TPM_RC \1: the counter asks for a policy/p' \
        "$DIR/nvincrement" | grep . || die "tpm2_nvincrement failed for another reason"
    stop_swtpm "$DIR/swtpm"
}

tell_hsm() {
    printf '\n=== HSM root: a key for each epoch; the old one is destroyed ===\n'
    start_softhsm "$DIR/softhsm" gate
    tell hsm "$softhsm_uri" --so-pin-file "$DIR/softhsm/so-pin"
}

case $ROOT in
tpm) tell_tpm ;;
hsm) tell_hsm ;;
both)
    tell_tpm
    tell_hsm
    ;;
esac
printf '\nDone. Both doubles keep their state in files, so restoring those files would roll them\n'
printf 'back; a TPM chip or an HSM does not offer that. Receipts made here say so: simulated.\n'
printf 'Next: ./test-env/run shell, to try it by hand; docs/audit.md, to judge what came out.\n'
