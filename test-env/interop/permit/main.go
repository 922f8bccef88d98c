// SPDX-License-Identifier: Apache-2.0

// main.go: go-cose on COSE_Sign1 messages. Standard input holds for each the point of a P-256 key (64
// bytes), then the message and the detached payload (empty: it is not detached), each with its
// length before it as four bytes, big-endian. One line answers each: 1 if go-cose takes it, else 0.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	_ "crypto/sha256" // that of ES256 has to be linked in
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"os"

	"github.com/veraison/go-cose"
)

func sized(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	data := make([]byte, length)
	_, err := io.ReadFull(in, data)
	return data, err
}

func judge(point, message, detached []byte) error {
	key := &ecdsa.PublicKey{
		Curve: elliptic.P256(),
		X:     new(big.Int).SetBytes(point[:32]),
		Y:     new(big.Int).SetBytes(point[32:]),
	}
	verifier, err := cose.NewVerifier(cose.AlgorithmES256, key)
	if err != nil {
		return err
	}
	var parsed cose.Sign1Message
	if err := parsed.UnmarshalCBOR(message); err != nil {
		return err
	}
	if len(detached) > 0 {
		if parsed.Payload != nil {
			return fmt.Errorf("the payload is not detached")
		}
		parsed.Payload = detached
	}
	return parsed.Verify(nil, verifier)
}

func run(in io.Reader, out *bufio.Writer) error {
	point := make([]byte, 64)
	for {
		if _, err := io.ReadFull(in, point); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		message, err := sized(in)
		if err != nil {
			return err
		}
		detached, err := sized(in)
		if err != nil {
			return err
		}
		answer := "1"
		if judge(point, message, detached) != nil {
			answer = "0"
		}
		fmt.Fprintln(out, answer)
	}
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	if err := run(bufio.NewReader(os.Stdin), out); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
	if err := out.Flush(); err != nil {
		os.Exit(1)
	}
}
