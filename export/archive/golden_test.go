package archive

import (
	"os"
	"testing"
)

// TestVerifyOfEarlierVersions opens an archive that the first version wrote.
func TestVerifyOfEarlierVersions(t *testing.T) {
	b, err := os.ReadFile("testdata/version1.zip")
	must(t, err)
	r := verify(t, b)
	if !r.OK() || r.Manifest.Schema != manifestSchema1 || r.Rows != 3*7 || r.Receipt.Datasets[0].Failed != 1 {
		t.Fatalf("%d rows, %+v, %v", r.Rows, r.Receipt.Datasets, r.Problems)
	}
	at := len(b) / 2
	b[at] ^= 4
	if r := verify(t, b); r.OK() || !exactly(r, int64(at), b[at]^4, b[at]) {
		t.Fatal(r.Problems)
	}
}
