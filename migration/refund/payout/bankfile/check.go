package bankfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/payout/isoxml"
)

// Check reads a file as a bank would: element by element against the schema, counting and adding up for itself, and hands
// each payment to each, which may be nil. The error is ErrFile with an isoxml.Fault that names the line, or each's own.
func Check(r io.Reader, each func(Payment) error) (Summary, error) {
	in := &measured{to: io.Discard, sum: sha256.New()}
	c := &checker{Reader: isoxml.NewReader(io.TeeReader(r, in), isoxml.MaxBytes), each: each, seen: map[[16]byte]bool{}, sums: map[string]*tally{}}
	root, err := c.Root()
	if err == nil && (root.Name.Local != schema.name || root.Name.Space != namespace) {
		err = c.Fail(fmt.Errorf("the document is no %s", namespace))
	}
	if err == nil {
		err = c.walk(schema, "")
	}
	if err == nil {
		err = c.End()
	}
	if err == nil {
		err = c.finish()
	}
	var fault *isoxml.Fault
	switch {
	case errors.As(err, &fault):
		return Summary{}, fmt.Errorf("%w: %w", ErrFile, err)
	case err != nil:
		return Summary{}, err
	}
	c.out.Size, c.out.SHA256 = in.size, hex.EncodeToString(in.sum.Sum(nil))
	return c.out, nil
}

// Verify makes sure that a file is the one that Write wrote, to the byte, and is still sound. It is called before a file is
// handed out; want is what was kept when it was written and approved.
func Verify(r io.Reader, want Summary) error {
	got, err := Check(r, nil)
	if err != nil {
		return errors.Join(ErrEdited, err)
	}
	if got.SHA256 != want.SHA256 || got.Size != want.Size || got.ID != want.ID || got.Count != want.Count || got.Sum != want.Sum || !slices.Equal(got.Totals, want.Totals) {
		return fmt.Errorf("%w: %s has %d payments of %s, not %d of %s", ErrEdited, want.ID, got.Count, got.Sum, want.Count, want.Sum)
	}
	return nil
}

// checker walks a file. Leaves of the part that is being read are kept by their path.
type checker struct {
	*isoxml.Reader
	each func(Payment) error
	seen map[[16]byte]bool
	sums map[string]*tally // by currency

	leaves map[string]string // of the group header, the PmtInf's head, or the transfer
	told   struct {          // by the group header
		count int
		sum   string
	}
	group struct { // of the PmtInf being read
		count int
		sum   big.Rat
	}
	sum     big.Rat
	headers map[string]bool // PmtInfId, unique in the file
	out     Summary
}

// walk reads what is inside the element of r.
func (c *checker) walk(r rule, path string) error {
	if r.text != nil {
		text, err := c.Text()
		if err != nil {
			return err
		}
		if err := r.text(text); err != nil {
			return c.Fail(fmt.Errorf("%s: %w", r.name, err))
		}
		c.leaves[path] = text
		return nil
	}
	at, count := 0, make([]int, len(r.parts))
	err := c.Each(func(start xml.StartElement) error {
		for at < len(r.parts) && r.parts[at].name != start.Name.Local {
			at++
		}
		if at == len(r.parts) || start.Name.Space != namespace {
			return c.Fail(fmt.Errorf("%s does not belong at this place in %s", start.Name.Local, r.name))
		}
		part := r.parts[at]
		if count[at]++; count[at] > 1 && !part.many {
			return c.Fail(fmt.Errorf("%s stands twice in %s", part.name, r.name))
		}
		return c.enter(part, start, path)
	})
	if err != nil {
		return err
	}
	return c.complete(r, count)
}

// complete makes sure that nothing required is missing.
func (c *checker) complete(r rule, count []int) error {
	all := 0
	for i, part := range r.parts {
		all += count[i]
		if !r.choice && count[i] < part.least {
			return c.Fail(fmt.Errorf("%s has no %s", r.name, part.name))
		}
	}
	if r.choice && all != 1 {
		return c.Fail(fmt.Errorf("%s needs exactly one part", r.name))
	}
	return nil
}

// enter reads one element, and judges the parts that are whole by then.
func (c *checker) enter(part rule, start xml.StartElement, path string) error {
	path = strings.TrimPrefix(path+"/"+part.name, "/")
	if err := c.attributes(part, start, path); err != nil {
		return err
	}
	switch part.name {
	case "GrpHdr":
		return c.readHeader(part)
	case "PmtInf":
		return c.readGroup(part)
	case "CdtTrfTxInf":
		return c.readTransfer(part)
	}
	if c.leaves == nil {
		c.leaves = map[string]string{}
	}
	return c.walk(part, path)
}

func (c *checker) attributes(part rule, start xml.StartElement, path string) error {
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
		case part.priced && a.Name.Space == "" && a.Name.Local == "Ccy":
			c.leaves[path+"@"] = a.Value
		default:
			return c.Fail(fmt.Errorf("%s has the attribute %s", part.name, a.Name.Local))
		}
	}
	return nil
}

func (c *checker) readHeader(part rule) error {
	c.leaves = map[string]string{}
	if err := c.walk(part, ""); err != nil {
		return err
	}
	c.out.ID, c.told.sum = c.leaves["MsgId"], c.leaves["CtrlSum"]
	c.told.count, _ = strconv.Atoi(c.leaves["NbOfTxs"])
	return nil
}

func (c *checker) readGroup(part rule) error {
	c.leaves, c.group.count = map[string]string{}, 0
	c.group.sum.SetInt64(0)
	if err := c.walk(part, ""); err != nil {
		return err
	}
	if id := c.leaves["PmtInfId"]; c.headers[id] {
		return c.Fail(fmt.Errorf("PmtInfId %s stands twice", id))
	} else if c.headers == nil {
		c.headers = map[string]bool{id: true}
	} else {
		c.headers[id] = true
	}
	if c.leaves["NbOfTxs"] != strconv.Itoa(c.group.count) {
		return c.Fail(fmt.Errorf("%s payments are said, %d are there", c.leaves["NbOfTxs"], c.group.count))
	}
	if told, ok := new(big.Rat).SetString(c.leaves["CtrlSum"]); !ok || told.Cmp(&c.group.sum) != 0 {
		return c.Fail(fmt.Errorf("a sum of %s is said, it is %s", c.leaves["CtrlSum"], c.group.sum.FloatString(5)))
	}
	c.sum.Add(&c.sum, &c.group.sum)
	return nil
}

func (c *checker) readTransfer(part rule) error {
	head := c.leaves
	c.leaves = map[string]string{}
	if err := c.walk(part, ""); err != nil {
		return err
	}
	l := c.leaves
	c.leaves = head
	p := Payment{Group: head["PmtInfId"], Ref: l["PmtId/EndToEndId"], Currency: l["Amt/InstdAmt@"], Note: l["RmtInf/Ustrd"]}
	var err error
	if p.Amount, err = isoxml.ParseAmount(l["Amt/InstdAmt"], p.Currency); err != nil || p.Amount == 0 {
		return c.Fail(fmt.Errorf("the amount of %s: %s %s", p.Ref, l["Amt/InstdAmt"], p.Currency))
	}
	p.To = account.Account{Kind: account.IBAN, Number: l["CdtrAcct/Id/IBAN"], Holder: l["Cdtr/Nm"], Bank: l["CdtrAgt/FinInstnId/BICFI"]}
	if p.To.Number == "" {
		p.To.Kind, p.To.Number, p.To.Bank = account.Card, l["CdtrAcct/Id/Othr/Id"], l["CdtrAgt/FinInstnId/ClrSysMmbId/MmbId"]
		if p.To.BankName = l["CdtrAgt/FinInstnId/Nm"]; p.To.BankName != "" {
			p.To.Kind = account.Company
		}
	}
	if checked, err := account.Check(p.To); err != nil || checked != p.To {
		return c.Fail(fmt.Errorf("the account of %s is not valid", p.Ref))
	}
	key := sha256.Sum256([]byte(p.Ref))
	if c.seen[[16]byte(key[:16])] {
		return c.Fail(fmt.Errorf("EndToEndId %s stands twice", p.Ref))
	}
	c.seen[[16]byte(key[:16])] = true
	c.count(p, l["Amt/InstdAmt"])
	if c.each != nil {
		return c.each(p)
	}
	return nil
}

func (c *checker) count(p Payment, text string) {
	if exact, ok := new(big.Rat).SetString(text); ok {
		c.group.sum.Add(&c.group.sum, exact)
	}
	c.group.count++
	c.out.Count++
	if c.sums[p.Currency] == nil {
		c.sums[p.Currency] = &tally{}
	}
	t := c.sums[p.Currency]
	t.count++
	t.sum.Add(&t.sum, big.NewInt(p.Amount))
}

// finish compares what the header said with what was there.
func (c *checker) finish() error {
	told, ok := new(big.Rat).SetString(c.told.sum)
	switch {
	case c.told.count != c.out.Count:
		return c.Fail(fmt.Errorf("%d payments are said, %d are there", c.told.count, c.out.Count))
	case !ok || told.Cmp(&c.sum) != 0:
		return c.Fail(fmt.Errorf("a sum of %s is said, it is %s", c.told.sum, c.sum.FloatString(5)))
	}
	c.out.Sum = c.told.sum
	for _, code := range slices.Sorted(maps.Keys(c.sums)) {
		c.out.Totals = append(c.out.Totals, Total{code, c.sums[code].count, c.sums[code].sum.Int64()})
	}
	return nil
}
