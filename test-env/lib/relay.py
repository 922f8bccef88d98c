#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""relay.py SOCKET: joins standard input and output to a Unix socket, for the TCTI "cmd" of the TPM
library. Its own TCTI "swtpm" knows Unix sockets from version 4 on; Debian 12 has version 3."""

import os
import selectors
import socket
import sys


def main():
    link = socket.socket(socket.AF_UNIX)
    link.connect(sys.argv[1])
    ready = selectors.DefaultSelector()
    ready.register(0, selectors.EVENT_READ)
    ready.register(link, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            data = os.read(0, 8192) if key.fd == 0 else link.recv(8192)
            if not data:
                return
            if key.fd == 0:
                link.sendall(data)
            else:
                os.write(1, data)


if __name__ == "__main__":
    main()
