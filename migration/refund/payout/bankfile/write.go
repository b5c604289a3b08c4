package bankfile

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/bojanz/currency"

	"offramp/migration/refund/payout/account"
)

// Write writes the batch as one file and says what it holds. The same batch gives the same bytes. Memory grows by some 50
// bytes a payment, to keep references apart; everything else streams. After an error what was written is of no use.
func Write(w io.Writer, b Batch) (Summary, error) {
	if err := b.check(); err != nil {
		return Summary{}, err
	}
	sums, err := b.total()
	if err != nil {
		return Summary{}, err
	}
	out := &measured{to: w, sum: sha256.New()}
	buffered := bufio.NewWriterSize(out, 64<<10)
	if err := b.write(buffered, sums); err != nil {
		return Summary{}, fmt.Errorf("write bank file %s: %w", b.ID, err)
	}
	if err := buffered.Flush(); err != nil {
		return Summary{}, fmt.Errorf("write bank file %s: %w", b.ID, err)
	}
	s := sums.summary(b.ID)
	s.Size, s.SHA256 = out.size, hex.EncodeToString(out.sum.Sum(nil))
	return s, nil
}

// measured counts and sums what is written.
type measured struct {
	to   io.Writer
	sum  hash.Hash
	size int64
}

// Write passes p on.
func (m *measured) Write(p []byte) (int, error) {
	n, err := m.to.Write(p)
	m.size += int64(n)
	m.sum.Write(p[:n])
	return n, err
}

// tally is what one group comes to.
type tally struct {
	count int
	sum   big.Int // minor units
}

type tallies map[group]*tally

// total walks the payments once: it checks each, and adds them up.
func (b Batch) total() (tallies, error) {
	sums, seen := tallies{}, map[[16]byte]bool{}
	for p, err := range b.Payments() {
		if err != nil {
			return nil, fmt.Errorf("list the payments of %s: %w", b.ID, err)
		}
		if err := b.checkPayment(p); err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(p.Ref))
		key := [16]byte(sum[:16])
		if seen[key] {
			return nil, fmt.Errorf("%w: %s is paid twice", ErrBatch, p.Ref)
		}
		seen[key] = true
		if _, ok := currency.GetDigits(p.Currency); !ok {
			return nil, fmt.Errorf("%w: %s is paid in %q", ErrBatch, p.Ref, p.Currency)
		}
		sums.add(p)
	}
	if len(sums) == 0 {
		return nil, fmt.Errorf("%w: %s pays nobody", ErrBatch, b.ID)
	}
	for g, t := range sums {
		if len(t.sum.String()) > 18 { // DecimalNumber has 18 digits
			return nil, fmt.Errorf("%w: %s comes to too much in %s", ErrBatch, b.ID, g.currency)
		}
	}
	return sums, nil
}

func (s tallies) add(p Payment) {
	g := groupOf(p)
	if s[g] == nil {
		s[g] = &tally{}
	}
	s[g].count++
	s[g].sum.Add(&s[g].sum, big.NewInt(p.Amount))
}

func rank(sepa bool) int {
	if sepa {
		return 0
	}
	return 1
}

// groups lists them in the order of the file.
func (s tallies) groups() []group {
	list := make([]group, 0, len(s))
	for g := range s {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.currency, b.currency), cmp.Compare(a.kind, b.kind), rank(a.sepa)-rank(b.sepa))
	})
	return list
}

func (s tallies) summary(id string) Summary {
	sum, scale := new(big.Int), 0
	out := Summary{ID: id}
	for g := range s {
		digits, _ := currency.GetDigits(g.currency)
		scale = max(scale, int(digits))
	}
	for _, g := range s.groups() {
		t := s[g]
		digits, _ := currency.GetDigits(g.currency)
		raised := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)-int64(digits)), nil)
		sum.Add(sum, raised.Mul(raised, &t.sum))
		out.Count += t.count
		if last := len(out.Totals) - 1; last >= 0 && out.Totals[last].Currency == g.currency {
			out.Totals[last].Count += t.count
			out.Totals[last].Sum += t.sum.Int64()
		} else {
			out.Totals = append(out.Totals, Total{g.currency, t.count, t.sum.Int64()})
		}
	}
	out.Sum = decimal(sum, scale)
	return out
}

// decimal writes minor units with so many digits after the point.
func decimal(minor *big.Int, digits int) string {
	s := minor.String()
	if digits == 0 {
		return s
	}
	if len(s) <= digits {
		s = strings.Repeat("0", digits+1-len(s)) + s
	}
	return s[:len(s)-digits] + "." + s[len(s)-digits:]
}

func amount(minor *big.Int, code string) string {
	digits, _ := currency.GetDigits(code)
	return decimal(minor, int(digits))
}

func (b Batch) write(w io.Writer, sums tallies) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	document := xml.StartElement{Name: xml.Name{Local: "Document"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}}
	message := xml.StartElement{Name: xml.Name{Local: "CstmrCdtTrfInitn"}}
	s := sums.summary(b.ID)
	err := e.EncodeToken(document)
	if err == nil {
		err = e.EncodeToken(message)
	}
	if err == nil {
		err = e.Encode(groupHeader{
			ID: b.ID, Created: b.Created.UTC().Format("2006-01-02T15:04:05Z"), Count: s.Count, Sum: s.Sum, Initiant: party{b.Debtor.Name},
		})
	}
	for i, g := range sums.groups() {
		if err == nil {
			err = b.writeGroup(e, i+1, g, sums[g], s.Count)
		}
	}
	if err == nil {
		err = e.EncodeToken(message.End())
	}
	if err == nil {
		err = e.EncodeToken(document.End())
	}
	if err == nil {
		err = e.Close()
	}
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	return err
}

// writeGroup writes one PmtInf. Its payments, and the number of all, must come to what they came to when they were added up.
func (b Batch) writeGroup(e *xml.Encoder, number int, g group, t *tally, all int) error {
	start := xml.StartElement{Name: xml.Name{Local: "PmtInf"}}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := b.writeHead(e, number, g, t); err != nil {
		return err
	}
	again := tally{}
	for p, err := range b.Payments() {
		if err != nil {
			return err
		}
		all--
		if groupOf(p) != g {
			continue
		}
		if err := b.checkPayment(p); err != nil {
			return err
		}
		again.count++
		again.sum.Add(&again.sum, big.NewInt(p.Amount))
		if err := e.Encode(transferOf(p)); err != nil {
			return err
		}
	}
	if all != 0 || again.count != t.count || again.sum.Cmp(&t.sum) != 0 {
		return fmt.Errorf("%w: %s changed while it was written", ErrBatch, b.ID)
	}
	return e.EncodeToken(start.End())
}

func (b Batch) writeHead(e *xml.Encoder, number int, g group, t *tally) error {
	d := b.Debtor
	head := paymentHead{
		ID: fmt.Sprintf("%s-%d", b.ID, number), Method: "TRF", Booking: booking(b.Booking), Count: t.count, Sum: amount(&t.sum, g.currency),
		Execution: date{b.Execution.Format("2006-01-02")}, Debtor: party{d.Name}, Account: accountOf{IBAN: d.IBAN},
		// The customer is to get all of it. Within SEPA each side bears its own charges, by its rules.
		Charges: "DEBT",
	}
	if d.IBAN == "" {
		head.Account.Other = &otherName{d.Account}
	}
	if g.sepa {
		head.Charges = "SLEV"
	}
	switch {
	case d.BIC != "":
		head.Agent.BIC = d.BIC
	case d.CNAPS != "":
		head.Agent.Clearing = &clearing{"CNAPS", d.CNAPS}
	default: // the element is required
		head.Agent.Other = &otherName{"NOTPROVIDED"}
	}
	return encodeFields(e, head)
}

func transferOf(p Payment) transfer {
	t := transfer{
		EndToEnd: p.Ref, Amount: money{p.Currency, amount(big.NewInt(p.Amount), p.Currency)}, Creditor: party{p.To.Holder},
	}
	if p.To.Kind == account.IBAN {
		t.Account.IBAN = p.To.Number
	} else {
		t.Account.Other = &otherName{p.To.Number}
	}
	switch agent := (institution{Name: p.To.BankName}); {
	case p.To.Bank != "" && p.To.Kind == account.IBAN:
		agent.BIC = p.To.Bank
		t.Agent = &agent
	case p.To.Bank != "":
		agent.Clearing = &clearing{"CNAPS", p.To.Bank}
		t.Agent = &agent
	case p.To.BankName != "":
		t.Agent = &agent
	}
	if p.Note != "" {
		t.Remitting = &remittance{p.Note}
	}
	return t
}

// booking is the element BtchBookg; nil: none.
func booking(b Booking) *bool {
	if b == Unasked {
		return nil
	}
	lump := b == Lump
	return &lump
}

// encodeFields writes the fields of a head one after the other, without an element around them: the transfers follow beside.
func encodeFields(e *xml.Encoder, h paymentHead) error {
	for _, f := range []struct {
		name  string
		value any
	}{
		{"PmtInfId", h.ID},
		{"PmtMtd", h.Method},
		{"BtchBookg", h.Booking},
		{"NbOfTxs", h.Count},
		{"CtrlSum", h.Sum},
		{"ReqdExctnDt", h.Execution},
		{"Dbtr", h.Debtor},
		{"DbtrAcct", h.Account},
		{"DbtrAgt", h.Agent},
		{"ChrgBr", h.Charges},
	} {
		if err := e.EncodeElement(f.value, xml.StartElement{Name: xml.Name{Local: f.name}}); err != nil {
			return err
		}
	}
	return nil
}
