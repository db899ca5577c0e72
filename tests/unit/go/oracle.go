// Command oracle judges a log by code that this project did not write: golang.org/x/mod/sumdb.
//
// It reads one JSON question from standard input. It exits with 0 if everything in it holds, with 1
// and the reason on standard error if not, and with 2 if it cannot tell.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Vkey       string
	Checkpoint []byte
	Record     *struct {
		Leaf  []byte
		Index int64
		Proof [][]byte
	}
	Tree *struct {
		OldCheckpoint []byte
		Proof         [][]byte
	}
	TilesOf *int64
}

func main() {
	var asked question
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if asked.TilesOf != nil {
		for _, tile := range tlog.NewTiles(8, 0, *asked.TilesOf) {
			fmt.Println(tile.Path())
		}
		return
	}
	if err := judge(asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge(asked question) error {
	tree, err := open(asked.Vkey, asked.Checkpoint)
	if err != nil {
		return err
	}
	if r := asked.Record; r != nil {
		proof, err := hashes(r.Proof)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(r.Leaf)
		if err := tlog.CheckRecord(tlog.RecordProof(proof), tree.N, tree.Hash, r.Index, leaf); err != nil {
			return err
		}
	}
	if t := asked.Tree; t != nil {
		old, err := open(asked.Vkey, t.OldCheckpoint)
		if err != nil {
			return err
		}
		proof, err := hashes(t.Proof)
		if err != nil {
			return err
		}
		return tlog.CheckTree(tlog.TreeProof(proof), tree.N, tree.Hash, old.N, old.Hash)
	}
	return nil
}

// open verifies the note and reads the tree head in it. The Go checksum database writes a fixed title
// where a checkpoint has its origin; the rest is the same, so its own parser reads it.
func open(vkey string, checkpoint []byte) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.SplitN(opened.Text, "\n", 2)
	if lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("the checkpoint's origin is not the key's name")
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + lines[1]))
}

func hashes(all [][]byte) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(all))
	for i, one := range all {
		if copy(found[i][:], one) != tlog.HashSize || len(one) != tlog.HashSize {
			return nil, fmt.Errorf("hash %d has %d bytes", i, len(one))
		}
	}
	return found, nil
}
