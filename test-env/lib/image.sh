# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# image.sh: what somebody does who images a disk and puts the image back.

# snapshot DIR COPY: keeps DIR as it is. For a state directory, or a double that is stopped.
snapshot() {
    rm -rf -- "$2"
    cp -a -- "$1" "$2"
}

# restore DIR COPY: makes DIR what it was.
restore() {
    rm -rf -- "$1"
    cp -a -- "$2" "$1"
}
