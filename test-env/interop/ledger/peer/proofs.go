// SPDX-License-Identifier: Apache-2.0

// proofs.go: proofs that x/mod/sumdb/tlog makes from a log's tiles, and its word on those of others.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	What  string   `json:"what"` // root, inclusion, consistency, check-inclusion, ..., check-file
	Index int64    `json:"index"`
	Old   int64    `json:"old"`
	Size  int64    `json:"size"`
	Path  []string `json:"path"`
	Proof string   `json:"proof"` // base64 of a tlog-proof file
	Entry string   `json:"entry"` // base64
}

func encodePath(path []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range path {
		texts = append(texts, hash.String())
	}
	return texts
}

func decodePath(texts []string) ([]tlog.Hash, error) {
	var path []tlog.Hash
	for _, text := range texts {
		data, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(data) != tlog.HashSize {
			return nil, fmt.Errorf("not a hash: %q", text)
		}
		path = append(path, tlog.Hash(data))
	}
	return path, nil
}

// checkFile: a C2SP tlog-proof file with an inclusion proof, and the entry that it is of.
func checkFile(data, entry []byte, verifier note.Verifier) error {
	head, checkpoint, found := bytes.Cut(data, []byte("\n\n"))
	rows := strings.Split(string(head), "\n")
	if !found || rows[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a tlog-proof file")
	}
	rows = rows[1:]
	if len(rows) > 0 && strings.HasPrefix(rows[0], "extra ") {
		rows = rows[1:]
	}
	if len(rows) == 0 || !strings.HasPrefix(rows[0], "index ") {
		return fmt.Errorf("no index")
	}
	text := strings.TrimPrefix(rows[0], "index ")
	index, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != text {
		return fmt.Errorf("not an index: %q", text)
	}
	path, err := decodePath(rows[1:])
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(checkpoint, verifier)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

type prover struct {
	tree     tlog.Tree
	reader   tlog.HashReader
	verifier note.Verifier
}

func (p *prover) entryHash(text string) (tlog.Hash, error) {
	entry, err := base64.StdEncoding.DecodeString(text)
	return tlog.RecordHash(entry), err
}

// answer: the hashes asked for, or nothing when what was to be checked is good.
func (p *prover) answer(q question) ([]tlog.Hash, error) {
	root := func(size int64) (tlog.Hash, error) { return tlog.TreeHash(size, p.reader) }
	path, err := decodePath(q.Path)
	if err != nil {
		return nil, err
	}
	switch q.What {
	case "root":
		hash, err := root(q.Size)
		return []tlog.Hash{hash}, err
	case "inclusion":
		return tlog.ProveRecord(q.Size, q.Index, p.reader)
	case "consistency":
		return tlog.ProveTree(q.Size, q.Old, p.reader)
	case "check-inclusion":
		hash, err := p.entryHash(q.Entry)
		if err != nil {
			return nil, err
		}
		later, err := root(q.Size)
		if err != nil {
			return nil, err
		}
		return nil, tlog.CheckRecord(path, q.Size, later, q.Index, hash)
	case "check-consistency":
		later, err := root(q.Size)
		if err != nil {
			return nil, err
		}
		earlier, err := root(q.Old)
		if err != nil {
			return nil, err
		}
		return nil, tlog.CheckTree(path, q.Size, later, q.Old, earlier)
	case "check-file":
		data, err := base64.StdEncoding.DecodeString(q.Proof)
		if err != nil {
			return nil, err
		}
		entry, err := base64.StdEncoding.DecodeString(q.Entry)
		if err != nil {
			return nil, err
		}
		return nil, checkFile(data, entry, p.verifier)
	}
	return nil, fmt.Errorf("no such question: %s", q.What)
}

func answerProofs(dir, vkey string, in *bufio.Reader, out *bufio.Writer) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	f, err := readFiles(dir)
	if err != nil {
		return err
	}
	data, err := f.ReadCheckpoint(context.Background())
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(data, verifier)
	if err != nil {
		return err
	}
	p := prover{tree, tlog.TileHashReader(tree, f), verifier}
	return lines(in, func(line []byte) error {
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			return err
		}
		path, err := p.answer(q)
		return json.NewEncoder(out).Encode(map[string]any{"said": said(err),
			"path": encodePath(path)})
	})
}
