// SPDX-License-Identifier: Apache-2.0

// files.go: the files of a log in memory, so that a damage costs no copy of a directory; as tessera
// and x/mod/sumdb want to read them.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type files map[string][]byte

func readFiles(dir string) (files, error) {
	f := files{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || !(name == layout.CheckpointPath || strings.HasPrefix(name, "tile/")) {
			return err
		}
		f[name], err = os.ReadFile(path)
		return err
	})
	return f, err
}

// A damage is an array: what, a path, and what else it needs.
func (f files) damage(what []any) error {
	words := make([]string, len(what))
	for i, word := range what {
		words[i] = fmt.Sprint(word)
	}
	number := func(i int) int {
		value, _ := what[i].(float64)
		return int(value)
	}
	name := words[1]
	data, there := f[name]
	if !there {
		return fmt.Errorf("no such file: %s", name)
	}
	data = append([]byte{}, data...)
	switch words[0] {
	case "flip":
		data[number(2)/8] ^= 1 << (number(2) % 8)
	case "cut":
		data = data[:number(2)]
	case "append":
		more, err := hex.DecodeString(words[2])
		if err != nil {
			return err
		}
		data = append(data, more...)
	case "splice": // the bytes from one offset to another are others
		middle, err := hex.DecodeString(words[4])
		if err != nil {
			return err
		}
		data = append(data[:number(2):number(2)], append(middle, data[number(3):]...)...)
	case "swap":
		f[name], data = f[words[2]], f[name]
		name = words[2]
	case "copy":
		name = words[2]
	case "delete":
		delete(f, name)
		return nil
	default:
		return fmt.Errorf("no such damage: %s", words[0])
	}
	f[name] = data
	return nil
}

func (f files) read(full, partial string) ([]byte, error) {
	if data, there := f[partial]; there {
		return data, nil
	}
	if data, there := f[full]; there {
		return data, nil
	}
	return nil, fmt.Errorf("%s: %w", partial, os.ErrNotExist)
}

func (f files) ReadCheckpoint(context.Context) ([]byte, error) {
	return f.read(layout.CheckpointPath, layout.CheckpointPath)
}

func (f files) ReadTile(_ context.Context, l, i uint64, p uint8) ([]byte, error) {
	return f.read(layout.TilePath(l, i, 0), layout.TilePath(l, i, p))
}

func (f files) ReadEntryBundle(_ context.Context, i uint64, p uint8) ([]byte, error) {
	return f.read(layout.EntriesPath(i, 0), layout.EntriesPath(i, p))
}

func (f files) Height() int { return tileHeight }

// ReadTiles: the paths of x/mod/sumdb have the height in them, those of tlog-tiles have not.
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		width := uint8(tile.W) // 256 becomes 0, which is how a full one is asked for
		data, err := f.ReadTile(context.Background(), uint64(tile.L), uint64(tile.N), width)
		if err != nil {
			return nil, err
		}
		if !f.fits(layout.TilePath(uint64(tile.L), uint64(tile.N), width), len(data)/sha256.Size, tile.W) ||
			len(data)%sha256.Size != 0 {
			return nil, fmt.Errorf("%s: %d bytes", tile.Path(), len(data))
		}
		all = append(all, data[:tile.W*sha256.Size])
	}
	return all, nil
}

// fits: a file has as much in it as its name says; a full one may stand for a partial one.
func (f files) fits(name string, got, want int) bool {
	_, there := f[name]
	return got == want || !there && got == 1<<tileHeight
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

// The entries of a bundle that holds count of them.
func (f files) bundle(index uint64, count int) ([][]byte, error) {
	data, err := f.ReadEntryBundle(context.Background(), index, uint8(count))
	if err != nil {
		return nil, err
	}
	entries, err := splitBundle(data)
	if err == nil && !f.fits(layout.EntriesPath(index, uint8(count)), len(entries), count) {
		err = fmt.Errorf("bundle %d has %d entries, not %d", index, len(entries), count)
	}
	if err != nil {
		return nil, err
	}
	return entries[:count], nil
}
