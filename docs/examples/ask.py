#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ask.py: asks the pawl service whether an action may happen, with nothing but Python itself. Exit
status 0: it may. 10: denied. 1: there is no answer, so it may not happen either.

    ./ask.py /run/pawl/agents.sock build-7 exec execute program /usr/bin/git && git fetch
"""

import http.client
import json
import socket
import sys
import uuid

TIMEOUT_S = 5


class UnixConnection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("pawl", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, request):
    """The service's answer: (permitted, reason, context). Raises OSError, HTTPException or
    ValueError when there is none."""
    name = str(uuid.uuid4())
    connection = UnixConnection(path, TIMEOUT_S)
    try:
        connection.request("POST", "/access/v1/evaluation", json.dumps(request), {
            "Content-Type": "application/json",
            "X-Request-ID": name,
            "Idempotency-Key": name,
            "X-Pawl-Deadline-Ms": str(TIMEOUT_S * 1000),
        })
        response = connection.getresponse()
        answer = json.loads(response.read(1 << 20))
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("the answer is no object")
    if response.status != 200:
        return False, answer.get("error"), answer
    if response.getheader("X-Request-ID") != name:
        raise ValueError("the answer is not to this question")
    context = answer.get("context")
    if not isinstance(context, dict):
        raise ValueError("the answer has no context")
    # Nothing but true permits: not 1, not "true", not an answer without a decision.
    return answer.get("decision") is True, context.get("reason"), context


def main():
    if len(sys.argv) != 7:
        print("usage: ask.py SOCKET AGENT ACTION CLASS TYPE ID", file=sys.stderr)
        return 2
    path, agent, action, action_class, kind, resource = sys.argv[1:]
    request = {
        "subject": {"type": "agent", "id": agent},
        "action": {"name": action, "properties": {"class": action_class}},
        "resource": {"type": kind, "id": resource},
    }
    try:
        permitted, reason, context = ask(path, request)
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    if permitted:
        print(f"permitted, entry {context['ledger']['index']} of the ledger")
        return 0
    print(f"denied: {reason} {context.get('why', '')}")
    return 10


if __name__ == "__main__":
    sys.exit(main())
