// SPDX-License-Identifier: Apache-2.0

// cose.go: go-cose on COSE_Sign1 messages of ES256, both ways.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha256" // that of ES256 has to be linked in
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"

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

func judgeMessage(point, message, detached []byte) error {
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

// Each message: the point of a P-256 key (64 bytes), the message, and the detached payload (empty:
// it is not detached), the two with their lengths before them as four bytes, big-endian.
func judgeMessages(in io.Reader, out io.Writer) error {
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
		if judgeMessage(point, message, detached) != nil {
			answer = "0"
		}
		fmt.Fprintln(out, answer)
	}
}

type signed struct {
	Name     string `json:"name"`
	Point    string `json:"point"`
	Message  string `json:"message"`
	Detached string `json:"detached"`
}

// Headers as SCITT wants them, and others; payloads of several sizes, attached and detached.
func signMessages(out *bufio.Writer) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signer, err := cose.NewSigner(cose.AlgorithmES256, key)
	if err != nil {
		return err
	}
	point := append(key.X.FillBytes(make([]byte, 32)), key.Y.FillBytes(make([]byte, 32))...)
	headers := []struct {
		name      string
		protected cose.ProtectedHeader
	}{
		{"alg", cose.ProtectedHeader{}},
		{"kid", cose.ProtectedHeader{cose.HeaderLabelKeyID: []byte("key-1")}},
		{"scitt", cose.ProtectedHeader{
			cose.HeaderLabelKeyID:       []byte("key-1"),
			cose.HeaderLabelContentType: "application/json",
			int64(15):                   map[any]any{int64(1): "https://issuer.example", int64(2): "item"},
		}},
		{"text labels", cose.ProtectedHeader{"agent_id": "a", "sequence_number": uint64(7)}},
	}
	var list []signed
	for _, header := range headers {
		for _, size := range []int{0, 1, 23, 24, 255, 256, 65536} {
			for _, detached := range []bool{false, true} {
				if detached && size == 0 {
					continue // cannot be told from an attached one
				}
				message := cose.NewSign1Message()
				message.Headers.Protected = header.protected
				message.Headers.Protected.SetAlgorithm(cose.AlgorithmES256)
				message.Payload = make([]byte, size)
				if _, err := rand.Read(message.Payload); err != nil {
					return err
				}
				if err := message.Sign(rand.Reader, nil, signer); err != nil {
					return err
				}
				one := signed{
					Name:  fmt.Sprintf("%s, %d bytes, detached %v", header.name, size, detached),
					Point: hex.EncodeToString(point),
				}
				if detached {
					one.Detached = hex.EncodeToString(message.Payload)
					message.Payload = nil
				}
				data, err := message.MarshalCBOR()
				if err != nil {
					return err
				}
				one.Message = hex.EncodeToString(data)
				list = append(list, one)
			}
		}
	}
	return json.NewEncoder(out).Encode(list)
}
