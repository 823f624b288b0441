// Command thirdparty checks what Doublelock's logs publish with code that is not Doublelock's.
//
//	thirdparty note POLICY CHECKPOINT             verify a cosigned checkpoint under a policy
//	thirdparty proof POLICY ENTRY PROOF           verify an offline tlog-proof of an entry
//	thirdparty tiles POLICY DIR COUNT             read every entry of a tile folder, and prove each 97th
//	thirdparty witness URL CHECKPOINT VKEY        ask a witness to cosign, and verify its cosignature
//	thirdparty agent SOCKET SEEDHEX               hold an Ed25519 key for litewitness until killed
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"

	"filippo.io/torchwood"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	commands := map[string]func([]string) error{
		"note": checkNote, "proof": checkProof, "tiles": checkTiles,
		"witness": askWitness, "agent": runAgent,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: thirdparty note|proof|tiles|witness|agent ...")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func open(policyFile, checkpointFile string) (torchwood.Checkpoint, error) {
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	signed, err := os.ReadFile(checkpointFile)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	return checkpoint, err
}

func checkNote(args []string) error {
	checkpoint, err := open(args[0], args[1])
	if err == nil {
		fmt.Printf("%s %d\n", checkpoint.Origin, checkpoint.N)
	}
	return err
}

func checkProof(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	proof, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof)
}

func checkTiles(args []string) error {
	checkpoint, err := open(args[0], args[1]+"/checkpoint")
	if err != nil {
		return err
	}
	files, err := torchwood.NewTileFS(os.DirFS(args[1]))
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(files)
	if err != nil {
		return err
	}
	want, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	ctx, count := context.Background(), int64(0)
	for index, entry := range client.AllEntries(ctx, checkpoint.Tree, 0) {
		if string(entry) != fmt.Sprintf("entry %d", index) {
			return fmt.Errorf("entry %d is %q", index, entry)
		}
		count++
	}
	if err := client.Err(); err != nil {
		return err
	}
	if count != want {
		return fmt.Errorf("%d entries, not %d", count, want)
	}
	for index := int64(0); index < count; index += 97 {
		entry, proof, err := client.Entry(ctx, checkpoint.Tree, index)
		if err != nil {
			return err
		}
		hash := tlog.RecordHash(entry)
		if err := tlog.CheckRecord(proof, checkpoint.N, checkpoint.Hash, index, hash); err != nil {
			return err
		}
	}
	fmt.Println(count)
	return nil
}

func askWitness(args []string) error {
	signed, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	verifier, err := torchwood.NewCosignatureVerifier(args[2])
	if err != nil {
		return err
	}
	answer, err := http.Post(args[0]+"/add-checkpoint", "text/plain",
		io.MultiReader(bytes.NewReader([]byte("old 0\n\n")), bytes.NewReader(signed)))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, lines)
	}
	opened, err := note.Open(append(signed, lines...), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	for _, signature := range opened.Sigs {
		seen, err := torchwood.CosignatureTimestamp(signature)
		if err != nil {
			return err
		}
		fmt.Printf("%s %d\n", signature.Name, seen)
	}
	return nil
}

func runAgent(args []string) error {
	seed, err := hex.DecodeString(args[1])
	if err != nil {
		return err
	}
	key := ed25519.NewKeyFromSeed(seed)
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: &key}); err != nil {
		return err
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", args[0])
	if err != nil {
		return err
	}
	fmt.Println(ssh.FingerprintSHA256(public))
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go agent.ServeAgent(ring, connection)
	}
}
