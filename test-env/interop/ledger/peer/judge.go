// SPDX-License-Identifier: Apache-2.0

// judge.go: whether a log is whole: what tessera's fsck says, and what a reader made of
// x/mod/sumdb's note and tlog says.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// More than the resources of any log here: fsck stops without an answer when all of its workers have
// found damage and more resources are waiting than their channel holds.
const fsckWorkers = 512

func splitBundle(data []byte) ([][]byte, error) {
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("a bundle ends within an entry")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	return entries, nil
}

func leafHashes(data []byte) ([][]byte, error) {
	entries, err := splitBundle(data)
	var hashes [][]byte
	for _, entry := range entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, err
}

// byFsck: a bundle with too few entries makes fsck panic, which is no yes either.
func byFsck(f files, verifier note.Verifier) (err error) {
	defer func() {
		if said := recover(); said != nil {
			err = fmt.Errorf("panic: %v", said)
		}
	}()
	return fsck.New(verifier.Name(), verifier, f, leafHashes, fsck.Opts{N: fsckWorkers}).
		Check(context.Background())
}

// openCheckpoint: a C2SP checkpoint whose origin is the key's name.
func openCheckpoint(data []byte, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || tree.N < 0 || strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, fmt.Errorf("not a size: %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("not a root: %q", lines[2])
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// bySumdb: the checkpoint is signed, all tiles lead to its root, every entry to its leaf, and the
// proofs that come out of the tiles hold.
func bySumdb(f files, verifier note.Verifier) error {
	data, err := f.ReadCheckpoint(context.Background())
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(data, verifier)
	if err != nil {
		return err
	}
	if tree.N == 0 {
		if !bytes.Equal(tree.Hash[:], rfc6962.DefaultHasher.EmptyRoot()) {
			return fmt.Errorf("another root than that of no entries")
		}
		return nil
	}
	reader := tlog.TileHashReader(tree, f)
	for first := int64(0); first < tree.N; first += 1 << tileHeight {
		count := min(tree.N-first, 1<<tileHeight)
		entries, err := f.bundle(uint64(first>>tileHeight), int(count))
		if err != nil {
			return err
		}
		indexes := make([]int64, count)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != hashes[i] {
				return fmt.Errorf("entry %d is not its leaf", first+int64(i))
			}
		}
	}
	return nil
}

type verdict struct {
	Fsck  string `json:"fsck"`
	Sumdb string `json:"sumdb"`
}

func said(err error) string {
	if err == nil {
		return "good"
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return "bad: " + text[:min(len(text), 200)]
}

func lines(in *bufio.Reader, each func(line []byte) error) error {
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		} else if err != nil && err != io.EOF {
			return err
		}
		if err := each(line); err != nil {
			return err
		}
	}
}

// judgeLogs: each line is an array of damages; none: the log as it is.
func judgeLogs(dir, vkey string, in *bufio.Reader, out *bufio.Writer) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	whole, err := readFiles(dir)
	if err != nil {
		return err
	}
	return lines(in, func(line []byte) error {
		var damages [][]any
		if err := json.Unmarshal(line, &damages); err != nil {
			return err
		}
		f := files{}
		for name, data := range whole {
			f[name] = data
		}
		for _, damage := range damages {
			if err := f.damage(damage); err != nil {
				return err
			}
		}
		return json.NewEncoder(out).Encode(verdict{said(byFsck(f, verifier)),
			said(bySumdb(f, verifier))})
	})
}
