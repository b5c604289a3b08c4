package export_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"offramp/export"
	"offramp/migration"
)

var canary = regexp.MustCompile(`CANARY-(HZ-\d+) `)

// TestE18_FiftyCustomersInParallel builds the archives of fifty customers on two workers at once.
func TestE18_FiftyCustomersInParallel(t *testing.T) {
	t.Parallel()
	crowd(t, 50)
}

// TestZ03_NoForeignCanaryInArchives looks into every byte of every file that customers download.
func TestZ03_NoForeignCanaryInArchives(t *testing.T) {
	t.Parallel()
	crowd(t, 3)
}

func crowd(t *testing.T, n int) {
	p := newProduct(t)
	w := newWorld(t, p)
	owners := make([]migration.Who, n)
	exports := make([]export.Export, n)
	for i := range owners {
		ref := fmt.Sprintf("HZ-%d", i+1)
		p.fill(t, ref, 3)
		owners[i], _ = w.customer(ref)
	}
	w.work(w.config, nil)
	w.work(w.configOn(w.bucket), nil)
	var all sync.WaitGroup
	for i := range owners {
		all.Go(func() {
			var err error
			if exports[i], err = w.service.Request(t.Context(), owners[i], w.prog, export.Selection{Spreadsheet: true}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	strange := 0
	for i, e := range exports {
		e = w.await(e, export.Ready)
		w.verified(owners[i], e)
		ref := fmt.Sprintf("HZ-%d", i+1)
		data, others := canaries(t, w.download(owners[i], e))
		// Three formats of 3 projects and 10 tasks, and two attachments with 50 each.
		if len(data) != 1 || data[ref] != 3*13+100 {
			strange++
			t.Logf("the data of %s holds %v", ref, data)
		}
		if delete(others, ref); len(others) > 0 {
			strange++
			t.Logf("the pages of %s hold %v", ref, others)
		}
	}
	if strange > 0 {
		t.Errorf("%d archives hold what they must not, or lack what they must", strange)
	}
	if got := len(w.objects()); got != n {
		t.Errorf("%d objects for %d customers", got, n)
	}
}

// canaries counts the canaries in the data and in all other files of an archive by their owner.
func canaries(t *testing.T, body []byte) (data, others map[string]int) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	data, others = map[string]int{}, map[string]int{}
	for _, f := range z.File {
		found := others
		if strings.HasPrefix(f.Name, "data/") || strings.HasPrefix(f.Name, "attachments/") {
			found = data
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range canary.FindAllStringSubmatch(string(text), -1) {
			found[m[1]]++
		}
		if strings.Contains(f.Name, "HZ-") {
			t.Errorf("a file is called %s", f.Name)
		}
	}
	return data, others
}
