// SPDX-License-Identifier: Apache-2.0

// main.go: Go programs' view of a ledger: tessera's fsck and golang.org/x/mod/sumdb on the files of
// a log and on proofs, go-cose on COSE_Sign1 messages; and what they make, for pawl to judge.
//
//	peer cose                   standard input: point, message, detached payload; a line each: 1 or 0
//	peer sign                   messages that go-cose signed, one JSON object
//	peer make DIR ORIGIN SIZE.. a log that tessera made; its keys and checkpoints as JSON
//	peer log DIR VKEY           standard input: a JSON array of damages a line; a verdict each
//	peer proofs DIR VKEY        standard input: a question a line; an answer each
package main

import (
	"bufio"
	"fmt"
	"os"
)

func run(args []string, in *bufio.Reader, out *bufio.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "cose":
		return judgeMessages(in, out)
	case len(args) == 1 && args[0] == "sign":
		return signMessages(out)
	case len(args) > 3 && args[0] == "make":
		return makeLog(args[1], args[2], args[3:], out)
	case len(args) == 3 && args[0] == "log":
		return judgeLogs(args[1], args[2], in, out)
	case len(args) == 3 && args[0] == "proofs":
		return answerProofs(args[1], args[2], in, out)
	}
	return fmt.Errorf("no such command: %v", args)
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	if err := run(os.Args[1:], bufio.NewReader(os.Stdin), out); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
	if err := out.Flush(); err != nil {
		os.Exit(1)
	}
}
