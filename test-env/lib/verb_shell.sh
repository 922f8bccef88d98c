# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# verb_shell.sh: an interactive shell with both doubles running; they end with the shell.

verb_shell() {
    local dir tpm
    [ $# = 0 ] || die "shell takes no arguments"
    need_packages shell
    make_private
    build gcc || die "the build failed"
    dir=$(build_dir gcc)
    tpm=$(start_swtpm "$private/tpm")
    start_softhsm "$private/hsm"

    export PATH=$dir/gate/cli:$PATH
    export PAWL_STATE=$private/state
    export PAWL_TPM=$tpm PAWL_HSM=$softhsm_uri
    TPM2TOOLS_TCTI=$(swtpm_tcti "$private/tpm")
    export TPM2TOOLS_TCTI
    cat >&2 <<TEXT
A TPM and a token of your own, both software: what they sign says "simulated".

  \$PAWL_TPM    $PAWL_TPM
  \$PAWL_HSM    $PAWL_HSM
  \$PAWL_STATE  $PAWL_STATE (the gate's files; made by pawl init)

  pawl help                                    every verb
  pawl authority init authority --domain example.org
  pawl init --hardware "\$PAWL_TPM" --trust authority/enrol.bundle --insecure-simulator
                                               with "\$PAWL_HSM" also: --so-pin-file hsm/so-pin
  tpm2_getcap properties-fixed                 tpm2-tools speak to the same TPM
  pkcs11-tool --module $(softhsm_module) -L
                                               OpenSC speaks to the same token

Leave with exit or Ctrl-D; everything in $private goes with it.
TEXT
    cd -- "$private" || die "no private directory"
    # In the foreground, so that it has the terminal.
    PS1='pawl$ ' bash --norc --noprofile -i || true
}
