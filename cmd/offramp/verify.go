package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"offramp/export/archive"
	"offramp/export/receipt"
)

type verifyCmd struct {
	Files   []string `arg:"" name:"file" help:"The downloaded archives, or the folder that they are in." type:"path"`
	SHA256  string   `name:"sha256" placeholder:"HEX" help:"The SHA-256 that the portal shows, to compare with the whole file; for one file."`
	Receipt string   `name:"receipt" placeholder:"FILE" type:"path" help:"The signed receipt (receipt.jws), to compare the archives with; needs --keys."`
	Keys    string   `name:"keys" placeholder:"FILE" type:"path" help:"The portal's public keys (a JWKS), to check the receipt's signature with."`
	Quiet   bool     `short:"q" help:"Print nothing when everything is whole."`
}

// Help shows an example.
func (verifyCmd) Help() string {
	return `Compares every byte, file and row with the archive's own manifest and receipt. For a damaged archive it names the
file and the place of the first difference. Of several archives, or a folder, it also says whether they are the whole export:
every volume, once, of the same instant. Exit status 1 when anything is wrong. Needs no configuration and no network.

Example:
  offramp verify hezhou-2027-HZ-20418-EX-10001.zip
  offramp verify Downloads/export --receipt receipt.jws --keys keys.json`
}

// Run proves archives, one by one and then together.
func (v verifyCmd) Run(c *console) error {
	names, whole, err := v.archives()
	if err != nil {
		return err
	}
	if v.SHA256 != "" && len(names) > 1 {
		return fmt.Errorf("--sha256 is for one file; %d are named", len(names))
	}
	signed, err := v.signed()
	if err != nil {
		return err
	}
	var all []archive.VolumeReport
	sound := true
	for _, name := range names {
		report, err := verifyFile(c, name, v.SHA256)
		if err != nil {
			return err
		}
		if !report.OK() {
			damaged(c, name, report)
			sound = false
		}
		all = append(all, archive.VolumeReport{Name: name, Report: report})
	}
	for _, set := range byExport(all) {
		together := archive.Together(set)
		if !whole && len(set) == 1 {
			together.Problems = nil // one volume was asked for
		}
		if !v.judge(c, together, signed) {
			sound = false
		}
	}
	if !sound {
		return errSilent
	}
	return nil
}

// archives returns the files to verify, and whether they are meant to be everything.
func (v verifyCmd) archives() (names []string, whole bool, err error) {
	for _, name := range v.Files {
		info, err := os.Stat(name)
		if err != nil {
			return nil, false, err
		}
		if !info.IsDir() {
			names = append(names, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, false, err
		}
		whole = true
		before := len(names)
		for _, e := range entries {
			if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".zip") {
				names = append(names, filepath.Join(name, e.Name()))
			}
		}
		if len(names) == before {
			return nil, false, fmt.Errorf("%s has no .zip file; name the folder that the archives were downloaded to", name)
		}
	}
	return names, whole || len(names) > 1, nil
}

// signed reads the receipt that the portal signed; nil when none is named.
func (v verifyCmd) signed() (*archive.Receipt, error) {
	if v.Receipt == "" {
		if v.Keys != "" {
			return nil, fmt.Errorf("--keys is for --receipt; name the signed receipt, too")
		}
		return nil, nil
	}
	if v.Keys == "" {
		return nil, fmt.Errorf("--receipt needs --keys: the portal's public keys, without which a signature proves nothing")
	}
	jws, err := os.ReadFile(v.Receipt)
	if err != nil {
		return nil, err
	}
	keys, err := os.ReadFile(v.Keys)
	if err != nil {
		return nil, err
	}
	payload, err := receipt.Verify([]byte(strings.TrimSpace(string(jws))), keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.Receipt, err)
	}
	r := new(archive.Receipt)
	if err := json.Unmarshal(payload, r); err != nil {
		return nil, fmt.Errorf("%s: the signature is valid, but not about a receipt: %w", v.Receipt, err)
	}
	return r, nil
}

func verifyFile(c *console, name, sha256 string) (archive.Report, error) {
	f, err := os.Open(name) //nolint:gosec // whoever runs this names the file
	if err != nil {
		return archive.Report{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return archive.Report{}, err
	}
	report, err := archive.Verify(c.ctx, f, info.Size(), archive.Expected{SHA256: sha256})
	if err != nil {
		return archive.Report{}, fmt.Errorf("read %s: %w", name, err)
	}
	return report, nil
}

func damaged(c *console, name string, r archive.Report) {
	c.printf("%s is NOT what was exported:\n", name)
	for _, p := range r.Problems {
		c.printf("  %s\n", p)
	}
	c.printf("Download it again from the portal. If it is still damaged, send these lines to support.\n")
}

// byExport sorts archives by the export that they say they are of, in the order in which they were named. What cannot say
// is left out: it is damaged, and was told as such.
func byExport(all []archive.VolumeReport) (sets [][]archive.VolumeReport) {
	at := map[string]int{}
	for _, v := range all {
		m := v.Manifest
		if m.Schema == "" {
			continue
		}
		key := strings.Join([]string{m.Programme, m.Customer, m.Export}, "\x00")
		i, ok := at[key]
		if !ok {
			i = len(sets)
			at[key], sets = i, append(sets, nil)
		}
		sets[i] = append(sets[i], v)
	}
	return sets
}

// judge says what is known of one export and reports whether it is well.
func (v verifyCmd) judge(c *console, s archive.SetReport, signed *archive.Receipt) bool {
	problems := s.Problems
	if signed != nil {
		problems = append(problems, signed.Disproves(s)...)
	}
	h := s.Volumes[0].Manifest
	if len(problems) > 0 {
		c.printf("Export %s of customer %s is NOT whole:\n", h.Export, h.Customer)
		for _, p := range problems {
			c.printf("  %s\n", p)
		}
		c.printf("Download what is missing or different from the portal, and check again.\n")
		return false
	}
	if !s.OK() {
		return false // told already
	}
	if !v.Quiet {
		praise(c, s, signed != nil)
	}
	return true
}

// praise describes an export that is whole, or one volume of it.
func praise(c *console, s archive.SetReport, signed bool) {
	h, r := s.Volumes[0].Manifest, s.Receipt
	files, size := 0, int64(0)
	for _, v := range s.Volumes {
		c.printf("%s is whole.\n", v.Name)
		files, size = files+v.Files, size+v.Bytes
	}
	c.printf("  export    %s of customer %s, as of %s\n", h.Export, h.Customer, h.AsOf.UTC().Format("2006-01-02 15:04:05 MST"))
	switch {
	case s.Of > 1 && len(s.Volumes) < s.Of:
		r = s.Volumes[0].Report.Receipt
		c.printf("  volume    %d of %d; name all of them, or their folder, to check the whole export\n", h.Volume, s.Of)
	case s.Of > 1:
		c.printf("  volumes   all %d, together the whole export\n", s.Of)
	}
	if len(s.Volumes) == 1 {
		c.printf("  SHA-256   %s\n", s.Volumes[0].SHA256)
	}
	if signed {
		c.printf("  receipt   signed by the portal, and of exactly these archives\n")
	}
	c.printf("  files     %d, %d bytes before compression\n", files, size)
	for _, d := range r.Datasets {
		c.printf("  %-12s %d in the source = %d exported + %d failed\n", d.Dataset, d.Source, d.Exported, d.Failed)
		for _, l := range d.Lacking {
			c.printf("  %-12s %d of them are not in %s, which cannot hold their values\n", "", l.Rows, l.Format)
		}
	}
	for _, f := range r.Imports {
		c.printf("  %s/%s: %d rows = %d exported + %d left out + %d failed\n", f.Replacement, f.File, f.Source, f.Exported, f.Skipped, f.Failed)
	}
	for _, source := range r.Sources {
		if !source.Steady {
			c.printf("  source %s has no snapshots: changes may show between its first row and its last\n", source.Key)
		}
	}
}
