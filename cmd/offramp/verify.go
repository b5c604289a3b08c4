package main

import (
	"fmt"
	"os"

	"offramp/export/archive"
)

type verifyCmd struct {
	File   string `arg:"" help:"The downloaded archive." type:"path"`
	SHA256 string `name:"sha256" placeholder:"HEX" help:"The SHA-256 that the portal shows, to compare with the whole file."`
	Quiet  bool   `short:"q" help:"Print nothing when the archive is whole."`
}

// Help shows an example.
func (verifyCmd) Help() string {
	return `Compares every byte, file and row with the archive's own manifest and receipt. For a damaged archive it names the
file and the place of the first difference. Exit status 1 when anything is wrong. Needs no configuration and no network.

Example:
  offramp verify hezhou-2027-HZ-20418-EX-10001.zip`
}

// Run proves one archive.
func (v verifyCmd) Run(c *console) error {
	f, err := os.Open(v.File)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder; name the downloaded .zip file", v.File)
	}
	report, err := archive.Verify(c.ctx, f, info.Size(), archive.Expected{SHA256: v.SHA256})
	if err != nil {
		return fmt.Errorf("read %s: %w", v.File, err)
	}
	if !report.OK() {
		c.printf("%s is NOT what was exported:\n", v.File)
		for _, p := range report.Problems {
			c.printf("  %s\n", p)
		}
		c.printf("Download it again from the portal. If it is still damaged, send these lines to support.\n")
		return errSilent
	}
	if v.Quiet {
		return nil
	}
	h := report.Manifest
	c.printf("%s is whole.\n", v.File)
	c.printf("  export    %s of customer %s, as of %s\n", h.Export, h.Customer, h.AsOf.UTC().Format("2006-01-02 15:04:05 MST"))
	c.printf("  SHA-256   %s\n", report.SHA256)
	c.printf("  files     %d, %d bytes before compression\n", report.Files, report.Bytes)
	for _, d := range report.Receipt.Datasets {
		c.printf("  %-12s %d in the source = %d exported + %d failed\n", d.Dataset, d.Source, d.Exported, d.Failed)
	}
	return nil
}
