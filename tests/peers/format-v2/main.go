// format-v2 is docs/format.md, section 12, in Go with nothing but its standard library. It answers JSON line by line, or prints
// the vectors of sealing/tests/vectors/v2.json (argument "vectors").
package main

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log"
	"math/bits"
	"os"
)

const (
	idLength  = 8
	encLength = 1120
	stanza    = idLength + encLength + 48
)

// A place is what a value is bound to.
type place struct {
	Scope     string `json:"scope"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Item      string `json:"item"`
}

var (
	errMalformed = errors.New("malformed")
	errNoSuchKey = errors.New("no such key")
	errNotBound  = errors.New("not bound")
	errDamaged   = errors.New("damaged")
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func (p place) info() []byte {
	scope := map[string]byte{"strict": 0, "namespace-wide": 1, "cluster-wide": 2}[p.Scope]
	namespace, name := p.Namespace, p.Name
	if scope > 0 {
		name = ""
	}
	if scope > 1 {
		namespace = ""
	}
	info := append([]byte("sealed-secrets/v2\x00"), 1, scope)
	for _, text := range []string{namespace, name, p.Item} {
		info = binary.BigEndian.AppendUint16(info, uint16(len(text)))
		info = append(info, text...)
	}
	return info
}

func keyID(public []byte) []byte {
	digest := sha256.Sum256(public)
	return digest[:idLength]
}

func prefix(recipients int) []byte { return []byte{0, 0, 2, 1, byte(recipients)} }

func aad(prefix, id []byte) []byte { return append(bytes.Clone(prefix), id...) }

func sealKey(prefix []byte, public hpke.PublicKey, key, info []byte) []byte {
	id := keyID(public.Bytes())
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	must(enc, err)
	return bytes.Join([][]byte{id, enc, must(sender.Seal(aad(prefix, id), key))}, nil)
}

func derive(key []byte, purpose string, header []byte) []byte {
	digest := sha256.Sum256(header)
	return must(hkdf.Expand(sha256.New, key, purpose+string(digest[:]), 32))
}

func commitment(key, header []byte) []byte { return derive(key, "sealed-secrets/v2 commit", header) }

func gcm(key, header []byte) cipher.AEAD {
	block := must(aes.NewCipher(derive(key, "sealed-secrets/v2 body", header)))
	return must(cipher.NewGCM(block))
}

func finish(header, key, padded []byte) []byte {
	body := gcm(key, header).Seal(nil, make([]byte, 12), padded, nil)
	return bytes.Join([][]byte{header, commitment(key, header), body}, nil)
}

func paddedLength(length int) int {
	length = max(length+1, 32)
	exponent := bits.Len(uint(length)) - 1
	zeros := exponent - bits.Len(uint(exponent))
	mask := 1<<zeros - 1
	return (length + mask) &^ mask
}

func pad(plaintext []byte) []byte {
	padded := make([]byte, paddedLength(len(plaintext)))
	copy(padded, plaintext)
	padded[len(plaintext)] = 0x80
	return padded
}

func unpad(padded []byte) ([]byte, error) {
	plaintext := bytes.TrimRight(padded, "\x00")
	if len(plaintext) == 0 || plaintext[len(plaintext)-1] != 0x80 {
		return nil, errDamaged
	}
	plaintext = plaintext[:len(plaintext)-1]
	if paddedLength(len(plaintext)) != len(padded) {
		return nil, errDamaged
	}
	return plaintext, nil
}

func newKey() []byte {
	key := make([]byte, 32)
	must(rand.Read(key))
	return key
}

func seal(plaintext []byte, at place, recipients []hpke.PublicKey) []byte {
	key := newKey()
	prefix := prefix(len(recipients))
	header := bytes.Clone(prefix)
	for _, recipient := range recipients {
		header = append(header, sealKey(prefix, recipient, key, at.info())...)
	}
	return finish(header, key, pad(plaintext))
}

func open(sealed []byte, at place, private hpke.PrivateKey) ([]byte, error) {
	if len(sealed) < 5 || !bytes.Equal(sealed[:4], []byte{0, 0, 2, 1}) {
		return nil, errMalformed
	}
	count := int(sealed[4])
	header := 5 + count*stanza
	if count < 1 || count > 16 || len(sealed) < header+32+32+16 {
		return nil, errMalformed
	}
	mine, seen := keyID(private.PublicKey().Bytes()), map[string]bool{}
	var found []byte
	for index := range count {
		part := sealed[5+index*stanza:][:stanza]
		if id := string(part[:idLength]); seen[id] {
			return nil, errMalformed
		} else if seen[id] = true; id == string(mine) {
			found = part
		}
	}
	if found == nil {
		return nil, errNoSuchKey
	}
	enc, ciphertext := found[idLength:][:encLength], found[idLength+encLength:]
	recipient, err := hpke.NewRecipient(enc, private, hpke.HKDFSHA256(), hpke.AES256GCM(), at.info())
	if err != nil {
		return nil, errNotBound
	}
	key, err := recipient.Open(aad(sealed[:5], mine), ciphertext)
	if err != nil {
		return nil, errNotBound
	}
	if subtle.ConstantTimeCompare(commitment(key, sealed[:header]), sealed[header:header+32]) != 1 {
		return nil, errDamaged
	}
	padded, err := gcm(key, sealed[:header]).Open(nil, make([]byte, 12), sealed[header+32:], nil)
	if err != nil {
		return nil, errDamaged
	}
	return unpad(padded)
}

func privateKey(seed []byte) hpke.PrivateKey { return must(hpke.MLKEM768X25519().NewPrivateKey(seed)) }

// A question asks to seal for recipients (public keys), to open with a seed, or for the public key of one.
type question struct {
	place
	Plaintext  []byte   `json:"plaintext"`
	Recipients [][]byte `json:"recipients"`
	Sealed     []byte   `json:"sealed"`
	Seed       []byte   `json:"seed"`
}

func answer(asked question) map[string]any {
	if asked.Seed != nil && asked.Sealed == nil {
		return map[string]any{"public": privateKey(asked.Seed).PublicKey().Bytes()}
	}
	if asked.Seed != nil {
		plaintext, err := open(asked.Sealed, asked.place, privateKey(asked.Seed))
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
		return map[string]any{"plaintext": append([]byte{}, plaintext...)}
	}
	var recipients []hpke.PublicKey
	for _, public := range asked.Recipients {
		recipients = append(recipients, must(hpke.MLKEM768X25519().NewPublicKey(public)))
	}
	return map[string]any{"sealed": seal(asked.Plaintext, asked.place, recipients)}
}

type key struct {
	Seed   []byte `json:"seed"`
	Public []byte `json:"public"`
	ID     []byte `json:"id"`
}

type value struct {
	What string `json:"what"`
	place
	Key       int    `json:"key"`
	Sealed    []byte `json:"sealed"`
	Plaintext []byte `json:"plaintext,omitempty"`
	Error     string `json:"error,omitempty"`
}

func seed(number byte) []byte { return bytes.Repeat([]byte{number}, 32) }

func public(number int) hpke.PublicKey { return privateKey(seed(byte(number))).PublicKey() }

// vectors seals good and hostile values; what it says of each is what its own open says.
func vectors() map[string]any {
	var keys []key
	for number := range 3 {
		public := public(number).Bytes()
		keys = append(keys, key{seed(byte(number)), public, keyID(public)})
	}
	at := place{"strict", "default", "db", "password"}
	var values []value
	add := func(what string, at place, number int, sealed []byte) {
		plaintext, err := open(sealed, at, privateKey(seed(byte(number))))
		found := value{What: what, place: at, Key: number, Sealed: sealed, Plaintext: plaintext}
		if err != nil {
			found.Error = err.Error()
		}
		values = append(values, found)
	}
	plaintexts := []string{"hunter2", "", "pässwörd ☃\n", string(bytes.Repeat([]byte{0}, 40)), string(bytes.Repeat([]byte("x"), 300))}
	for _, scope := range []string{"strict", "namespace-wide", "cluster-wide"} {
		at := place{scope, "default", "db", "password"}
		for index, plaintext := range plaintexts {
			recipients := []hpke.PublicKey{public(0), public(1)}[:1+index%2]
			add("good", at, len(recipients)-1, seal([]byte(plaintext), at, recipients))
		}
	}
	sealed := seal([]byte("hunter2"), at, []hpke.PublicKey{public(0), public(1)})
	with := func(change func([]byte)) []byte {
		changed := bytes.Clone(sealed)
		change(changed)
		return changed
	}
	flip := func(offset int) []byte { return with(func(bytes []byte) { bytes[offset] ^= 1 }) }
	first, second, rest := sealed[5:5+stanza], sealed[5+stanza:5+2*stanza], sealed[5+2*stanza:]
	add("as it was sealed", at, 0, sealed)
	add("another item", place{"strict", "default", "db", "user"}, 0, sealed)
	add("another name", place{"strict", "default", "other", "password"}, 0, sealed)
	add("another namespace", place{"strict", "other", "db", "password"}, 0, sealed)
	add("another scope", place{"namespace-wide", "default", "db", "password"}, 0, sealed)
	add("a key that is no recipient", at, 2, sealed)
	add("another suite", at, 0, with(func(bytes []byte) { bytes[3] = 2 }))
	add("no recipients", at, 0, with(func(bytes []byte) { bytes[4] = 0 }))
	add("one recipient fewer than there are", at, 0, with(func(bytes []byte) { bytes[4] = 1 }))
	add("more recipients than there are", at, 0, with(func(bytes []byte) { bytes[4] = 3 }))
	add("too many recipients", at, 0, with(func(bytes []byte) { bytes[4] = 17 }))
	add("a flipped bit of the id", at, 0, flip(5))
	add("a flipped bit of ML-KEM's ciphertext", at, 0, flip(13))
	add("a flipped bit of the X25519 share", at, 0, flip(13+1088))
	add("an X25519 share of zero", at, 0, with(func(bytes []byte) { clear(bytes[13+1088 : 13+1120]) }))
	add("a flipped bit of the sealed key", at, 0, flip(13+1120))
	add("a flipped bit of the other recipient", at, 0, flip(13+stanza))
	add("a flipped bit of the commitment", at, 0, flip(5+2*stanza))
	add("a flipped bit of the body", at, 0, flip(5+2*stanza+32))
	add("a flipped bit of the tag", at, 0, flip(len(sealed)-1))
	add("recipients swapped", at, 0, bytes.Join([][]byte{prefix(2), second, first, rest}, nil))
	add("a recipient removed", at, 0, bytes.Join([][]byte{prefix(1), first, rest}, nil))
	add("a recipient repeated", at, 0, bytes.Join([][]byte{prefix(2), first, first, rest}, nil))
	other := seal([]byte("hunter2"), at, []hpke.PublicKey{public(0), public(1)})
	add("a recipient of another value", at, 0, bytes.Join([][]byte{prefix(2), other[5 : 5+stanza], second, rest}, nil))
	add("cut short", at, 0, sealed[:5+2*stanza+32+32+15])
	add("cut by a byte", at, 0, sealed[:len(sealed)-1])
	add("a byte too many", at, 0, append(bytes.Clone(sealed), 0))
	hostile(at, add)
	return map[string]any{"keys": keys, "values": values}
}

// hostile adds what a sealer that keeps to no rule can make.
func hostile(at place, add func(string, place, int, []byte)) {
	one, two := newKey(), newKey()
	header := prefix(2)
	header = append(header, sealKey(prefix(2), public(0), one, at.info())...)
	header = append(header, sealKey(prefix(2), public(1), two, at.info())...)
	both := finish(header, one, pad([]byte("hunter2")))
	add("two content keys, the first recipient", at, 0, both)
	add("two content keys, the second recipient", at, 1, both)

	header = append(prefix(1), sealKey(prefix(1), public(0), one, at.info())...)
	for _, wrong := range []struct {
		what   string
		padded []byte
	}{
		{"padded by more than it takes", append(pad([]byte("hunter2")), 0, 0, 0, 0)},
		{"padded to no length of Padmé", append(bytes.Repeat([]byte("x"), 32), 0x80)},
		{"no marker", make([]byte, 32)},
		{"another marker", append(make([]byte, 31), 0x01)},
	} {
		add(wrong.what, at, 0, finish(header, one, wrong.padded))
	}
	body := finish(header, one, pad([]byte("hunter2")))[len(header)+32:]
	add("the commitment of another content key", at, 0, bytes.Join([][]byte{header, commitment(two, header), body}, nil))
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "vectors" {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", " ")
		must(0, out.Encode(vectors()))
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var asked question
		must(0, json.Unmarshal(lines.Bytes(), &asked))
		must(0, json.NewEncoder(os.Stdout).Encode(answer(asked)))
	}
}
