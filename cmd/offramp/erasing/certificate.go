package erasing

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"offramp/export/receipt"
	"offramp/migration/erasure"
)

// Certificates are the files when they are certificates of erasures; nil when they are archives.
func Certificates(files []string, keys string, others bool) (names []string, err error) {
	for _, name := range files {
		if strings.EqualFold(filepath.Ext(name), ".jws") {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return nil, nil
	case len(names) < len(files):
		return nil, fmt.Errorf("archives and certificates are checked apart; name only .jws files, or none")
	case keys == "":
		return nil, fmt.Errorf("a certificate needs --keys: the portal's public keys, without which a signature proves nothing")
	case others:
		return nil, fmt.Errorf("--receipt and --sha256 are for archives")
	}
	return names, nil
}

// Check checks certificates one by one and then as a chain, and says what it found; false: something is wrong.
func Check(names []string, keys string, say func(format string, args ...any)) (bool, error) {
	set, err := os.ReadFile(keys) //nolint:gosec // whoever runs this names the file
	if err != nil {
		return false, err
	}
	var sound []erasure.Certificate
	for _, name := range names {
		body, err := os.ReadFile(name) //nolint:gosec // whoever runs this names the file
		if err != nil {
			return false, err
		}
		one, err := Read(body, set)
		if err != nil {
			say("%s: BAD: %v\n", name, err)
			continue
		}
		sound = append(sound, one)
		say("%s: genuine: erasure %d of %s, ordered %s, complete %s; %d tables, %d versions of %d files; %d kinds of records stay\n",
			name, one.Seq, one.Reference, one.OrderedAt.UTC().Format(time.DateOnly), one.CompletedAt.UTC().Format(time.DateOnly),
			len(one.Erased), one.Objects.Versions, one.Objects.Objects, len(one.Stays))
	}
	broken := erasure.Chain(sound)
	for _, gap := range broken {
		say("BAD: certificate %d does not follow certificate %d: one of them was not in the ledger\n", gap.After, gap.Before)
	}
	return len(sound) == len(names) && len(broken) == 0, nil
}

// Read checks one certificate.
func Read(jws, keys []byte) (erasure.Certificate, error) {
	payload, err := receipt.VerifyAs(erasure.CertificateType, []byte(strings.TrimSpace(string(jws))), keys)
	if err != nil {
		return erasure.Certificate{}, err
	}
	return erasure.Read(payload)
}
