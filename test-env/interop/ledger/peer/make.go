// SPDX-License-Identifier: Apache-2.0

// make.go: a log that tessera's POSIX storage makes.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

// Entry index of every such log: up to 310 bytes, one the longest that there may be.
func entryOf(index uint64) []byte {
	length := index * 37 % 311
	if index == 3 {
		length = 65535
	}
	entry := make([]byte, length)
	for i := range entry {
		entry[i] = byte(uint64(i)*7 + index*13 + 1)
	}
	return entry
}

type made struct {
	Vkey        string   `json:"vkey"`
	Checkpoints []string `json:"checkpoints"` // base64, one for each size
}

// grow adds entries until the log has size of them, and returns the checkpoint.
func grow(dir string, signer note.Signer, from, size uint64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).
		WithBatching(uint(size-from), 100*time.Millisecond).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	await := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	var futures []tessera.IndexFuture
	for index := from; index < size; index++ {
		futures = append(futures, appender.Add(ctx, tessera.NewEntry(entryOf(index))))
	}
	var checkpoint []byte
	for i, future := range futures {
		index, text, err := await.Await(ctx, future)
		if err != nil {
			return nil, err
		}
		if index.Index != from+uint64(i) {
			return nil, fmt.Errorf("entry %d is at %d", from+uint64(i), index.Index)
		}
		checkpoint = text
	}
	return checkpoint, shutdown(ctx)
}

func makeLog(dir, origin string, sizes []string, out *bufio.Writer) error {
	secret, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	told := made{Vkey: vkey}
	from := uint64(0)
	for _, text := range sizes {
		size, err := strconv.ParseUint(text, 10, 64)
		if err != nil || size <= from {
			return fmt.Errorf("not a larger size: %s", text)
		}
		checkpoint, err := grow(dir, signer, from, size)
		if err != nil {
			return err
		}
		told.Checkpoints = append(told.Checkpoints, base64.StdEncoding.EncodeToString(checkpoint))
		from = size
	}
	return json.NewEncoder(out).Encode(told)
}
