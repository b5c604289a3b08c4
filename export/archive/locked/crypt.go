package locked

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the format demands it; as a key derivation and a MAC it is not broken
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
)

const (
	saltSize  = 16
	checkSize = 2
	macSize   = 10
	keySize   = 32
	rounds    = 1000 // of PBKDF2, as the format has it; the password has to make up for so few
)

// keys are what a password and a salt come to.
type keys struct {
	block cipher.Block
	mac   []byte
	check [checkSize]byte
}

func derive(password string, salt []byte) (k keys, err error) {
	all, err := pbkdf2.Key(sha1.New, password, salt, rounds, 2*keySize+checkSize)
	if err != nil {
		return k, fmt.Errorf("locked: %w", err)
	}
	k.mac = all[keySize : 2*keySize]
	copy(k.check[:], all[2*keySize:])
	k.block, err = aes.NewCipher(all[:keySize])
	return k, err
}

func (k keys) authenticator() hash.Hash { return hmac.New(sha1.New, k.mac) }

// stream is AES in counter mode as WinZip counts: from 1, the lowest byte first. The standard library's counts the other way.
type stream struct {
	block cipher.Block
	at    int64 // the next byte
	pad   [32 * aes.BlockSize]byte
	count [aes.BlockSize]byte
	left  []byte // of pad
}

// xor encrypts or decrypts b in place.
func (s *stream) xor(b []byte) {
	for len(b) > 0 {
		if len(s.left) == 0 {
			s.refill()
		}
		n := subtle.XORBytes(b, b, s.left)
		b, s.left, s.at = b[n:], s.left[n:], s.at+int64(n)
	}
}

func (s *stream) refill() {
	first := uint64(s.at) / aes.BlockSize
	for i := 0; i < len(s.pad); i += aes.BlockSize {
		first++
		binary.LittleEndian.PutUint64(s.count[:], first)
		s.block.Encrypt(s.pad[i:], s.count[:])
	}
	s.left = s.pad[s.at%aes.BlockSize:]
}
