package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"offramp/cmd/offramp/erasing"
	"offramp/export/archive"
	"offramp/export/archive/locked"
	"offramp/export/receipt"
)

type verifyCmd struct {
	Files    []string `arg:"" name:"file" help:"The downloaded archives, or the folder that they are in; or certificates of erasures (.jws), with --keys." type:"path"`
	SHA256   string   `name:"sha256" placeholder:"HEX" help:"The SHA-256 that the portal shows, to compare with the whole file; for one file."`
	Receipt  string   `name:"receipt" placeholder:"FILE" type:"path" help:"The signed receipt (receipt.jws), to compare the archives with; needs --keys."`
	Keys     string   `name:"keys" placeholder:"FILE" type:"path" help:"The portal's public keys (a JWKS), to check the receipt's signature with."`
	Password string   `name:"password-file" placeholder:"FILE" help:"The file with the password of locked archives, on its first line. - reads it from the standard input."`
	Quiet    bool     `short:"q" help:"Print nothing when everything is whole."`

	known string // the password, once it was read
}

// Help shows an example.
func (*verifyCmd) Help() string {
	return `Compares every byte, file and row with the archive's own manifest and receipt. For a damaged archive it names the
file and the place of the first difference. Of several archives, or a folder, it also says whether they are the whole export:
every volume, once, of the same instant. A locked archive is opened by the password in --password-file; nothing is unpacked.
Certificates of erasures are checked against --keys, and several of them against each other: each names the one before.
Exit status 1 when anything is wrong. Needs no configuration and no network.

Example:
  offramp verify hezhou-2027-HZ-20418-EX-10001.zip
  offramp verify Downloads/export --receipt receipt.jws --keys keys.json
  offramp verify hezhou-2027-HZ-20418-EX-10001-locked.zip --password-file password.txt
  offramp verify erasure-12.jws erasure-13.jws --keys keys.json`
}

// Run proves archives, one by one and then together.
func (v *verifyCmd) Run(c *console) error {
	certificates, err := erasing.Certificates(v.Files, v.Keys, v.Receipt != "" || v.SHA256 != "")
	if err != nil {
		return err
	}
	if len(certificates) > 0 {
		return v.erasures(c, certificates)
	}
	return v.prove(c)
}

// erasures checks certificates of erasures.
func (v *verifyCmd) erasures(c *console, names []string) error {
	say := c.printf
	if v.Quiet {
		say = func(string, ...any) {}
	}
	sound, err := erasing.Check(names, v.Keys, say)
	if err == nil && !sound {
		err = errSilent
	}
	return err
}

func (v *verifyCmd) prove(c *console) error {
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
		report, err := v.verifyFile(c, name)
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
func (v *verifyCmd) archives() (names []string, whole bool, err error) {
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
func (v *verifyCmd) signed() (*archive.Receipt, error) {
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

func (v *verifyCmd) verifyFile(c *console, name string) (archive.Report, error) {
	f, err := os.Open(name) //nolint:gosec // whoever runs this names the file
	if err != nil {
		return archive.Report{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return archive.Report{}, err
	}
	var report archive.Report
	if box, ok := locked.Open(f, info.Size()); ok {
		report, err = v.verifyLocked(c, f, info.Size(), box)
	} else {
		report, err = archive.Verify(c.ctx, f, info.Size(), archive.Expected{SHA256: v.SHA256})
	}
	if err != nil {
		return archive.Report{}, fmt.Errorf("read %s: %w", name, err)
	}
	return report, nil
}

// verifyLocked proves a locked archive, outside and within, without unpacking it.
func (v *verifyCmd) verifyLocked(c *console, f *os.File, size int64, box *locked.File) (archive.Report, error) {
	password, err := v.password()
	if err != nil {
		return archive.Report{}, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size)); err != nil {
		return archive.Report{}, err
	}
	outer := &archive.InnerProof{Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}
	plain, err := box.Unlock(password)
	if err == nil {
		err = plain.Check(c.ctx)
	}
	switch {
	case errors.Is(err, locked.ErrPassword):
		return archive.Report{}, errors.New("the password in --password-file does not open it; it is the one that was chosen when this export was asked for")
	case errors.Is(err, locked.ErrDamaged):
		why := strings.TrimPrefix(err.Error(), locked.ErrDamaged.Error()+": ")
		return archive.Report{Size: size, Outer: outer, Problems: []archive.Problem{{Trouble: archive.Damaged, From: -1, To: -1, Note: why}}}, nil
	case err != nil:
		return archive.Report{}, err
	}
	report, err := archive.Verify(c.ctx, plain, plain.Size(), archive.Expected{})
	report.Outer = outer
	if v.SHA256 != "" && !strings.EqualFold(v.SHA256, outer.SHA256) {
		report.Problems = append(report.Problems, archive.Problem{
			Trouble: archive.Mismatch, From: -1, To: -1, Note: "the whole file is another than the portal shows", Expected: strings.ToLower(v.SHA256), Actual: outer.SHA256,
		})
	}
	return report, err
}

// maxPasswordFile is more than any password of ours.
const maxPasswordFile = 4 << 10

// password reads the first line of the password's file, once.
func (v *verifyCmd) password() (string, error) {
	if v.known != "" {
		return v.known, nil
	}
	if v.Password == "" {
		return "", errors.New("it is locked: write its password into a file and name that by --password-file, or unpack it and verify the archive within")
	}
	in := io.Reader(os.Stdin)
	if v.Password != "-" {
		f, err := os.Open(v.Password)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPasswordFile))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	if v.known = strings.TrimSpace(line); v.known == "" {
		return "", fmt.Errorf("%s has no password on its first line", v.Password)
	}
	return v.known, nil
}

func damaged(c *console, name string, r archive.Report) {
	c.printf("%s is NOT what was exported:\n", name)
	for _, p := range r.Problems {
		c.printf("  %s\n", p)
	}
	c.printf("Download it again from the portal. If it is still damaged, send these lines to support.\n")
}

// byExport sorts archives by the export that they say they are of, in the order in which they were named. What cannot
// say is left out: it is damaged, and was told as such.
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
func (v *verifyCmd) judge(c *console, s archive.SetReport, signed *archive.Receipt) bool {
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
	if only := s.Volumes[0]; len(s.Volumes) == 1 && only.Outer != nil {
		c.printf("  SHA-256   %s, locked by a password\n", only.Outer.SHA256)
		c.printf("  within    %s, the archive once it is unpacked\n", only.SHA256)
	} else if len(s.Volumes) == 1 {
		c.printf("  SHA-256   %s\n", only.SHA256)
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
