package main

import (
	"encoding/json"
	"fmt"
	"time"

	"offramp/export/storage"
	"offramp/internal/audit"
)

// headPrefix is where signed heads of the audit log lie in the bucket of exports. Nothing sweeps there.
const headPrefix = "audit/heads/"

// keeper signs heads of the audit log with the installation's key and keeps them in the bucket.
func (p *parts) keeper(bucket *storage.Bucket) (*audit.Keeper, error) {
	current, before := p.config.Web.Secrets()
	signer, err := audit.NewSigner(current, before...)
	if err != nil {
		return nil, err
	}
	return &audit.Keeper{DB: p.db, Signer: signer, Shelf: storage.NewArchive(bucket, headPrefix)}, nil
}

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check the whole audit log against every signed head that is kept."`
	Head   auditHeadCmd   `cmd:"" help:"Sign the end of the audit log, keep it in the bucket, and print it for keeping elsewhere."`
}

type auditVerifyCmd struct {
	Head []string `placeholder:"FILE" help:"A signed head that was kept elsewhere, as 'offramp audit head' printed it or a sink took it; - reads standard input. May be repeated."`
}

// Help shows an example.
func (auditVerifyCmd) Help() string {
	return `Reads and hashes every entry again and holds the log against the signed heads in the bucket of exports, which workers keep each
day. Where the chain holds, its end is signed and kept, too. Exit status 1 when something was changed, removed or made anew.

Example:
  offramp audit verify --head head-of-november.json`
}

// Run checks the log.
func (a auditVerifyCmd) Run(c *console) error {
	p, k, err := c.keeper()
	if err != nil {
		return err
	}
	defer p.close()
	var brought []audit.Signed
	for _, file := range a.Head {
		body, err := c.read(file)
		if err != nil {
			return err
		}
		signed, _, err := k.Signer.Read(body)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		brought = append(brought, signed)
	}
	found, err := k.Check(c.ctx, brought...)
	if err != nil {
		return err
	}
	for _, name := range found.Strange {
		c.printf("WRONG %s%s is not signed with a key of this installation.\n", headPrefix, name)
	}
	if b := found.Break; b != nil {
		c.printf("BROKEN at entry %d: %s. %d entries read, %d heads held against them.\n", b.Seq, breaks[b.Kind], found.Checked, found.Kept)
		return errSilent
	}
	if found.Strayed > 0 {
		c.printf("LOOK  %d entries, the first of them %d, bear a time more than 15 minutes from when the database wrote them.\n", found.Strayed, found.FirstStrayed)
	}
	if found.Since == nil {
		c.printf("%d entries: the chain holds. No head was kept before, so that nothing says whether it was made anew; this one is kept now.\n", found.Checked)
	} else {
		c.printf("%d entries: complete since head %s of %s.\n", found.Checked, found.Since.Head, found.Since.At.UTC().Format(time.RFC3339))
	}
	if len(found.Strange) > 0 {
		return errSilent
	}
	return nil
}

// breaks words the kinds of break.
var breaks = map[string]string{
	audit.Edited: "its content is not what was recorded", audit.Missing: "it is missing", audit.OutOfOrder: "it does not follow the entry before it",
	audit.Cut: "it and what came after it are gone", audit.Rewritten: "the log was made anew before it",
}

type auditHeadCmd struct{}

// Help shows an example.
func (auditHeadCmd) Help() string {
	return "Example:\n  offramp audit head > head-of-november.json"
}

// Run signs and prints the head.
func (auditHeadCmd) Run(c *console) error {
	p, k, err := c.keeper()
	if err != nil {
		return err
	}
	defer p.close()
	signed, err := k.Keep(c.ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(signed)
	if err != nil {
		return err
	}
	c.printf("%s\n", body)
	return nil
}

// keeper opens what the commands about the audit log need: the settings of a worker.
func (c *console) keeper() (*parts, *audit.Keeper, error) {
	p, err := c.open("work")
	if err != nil {
		return nil, nil, err
	}
	bucket, err := p.bucket(c.ctx)
	if err == nil {
		var k *audit.Keeper
		if k, err = p.keeper(bucket); err == nil {
			return p, k, nil
		}
	}
	p.close()
	return nil, nil, err
}
