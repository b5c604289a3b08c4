package bankresult

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/migration/refund/payout/isoxml"
)

// namespaces of the notifications that we read: the present one, and the one that many banks still send.
var namespaces = []string{
	"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08",
	"urn:iso:std:iso:20022:tech:xsd:camt.054.001.02",
}

// camtWithin reads an ISO 20022 debit and credit notification (camt.054.001.08 or .02). A debit that names a payment or a batch is
// Booked. A credit is Returned if it says so by its return information, as a reversal, by its transaction code or in words.
// Whatever else there is comes as Passed, or as Unclear where it names a payment.
func camtWithin(r io.Reader, limit int64) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		c := &camt{Reader: isoxml.NewReader(r, limit), yield: yield}
		err := c.document()
		if err == nil {
			err = c.End()
		}
		if err == nil && c.entries == 0 {
			err = c.Fail(errNone)
		}
		if err != nil && !c.left {
			yield(Result{}, err)
		}
	}
}

type camt struct {
	*isoxml.Reader
	yield   func(Result, error) bool
	entries int
	left    bool // the reader of the results has gone
}

// errLeft ends the reading when nobody wants more.
var errLeft = fmt.Errorf("nobody reads on")

// entry is one booking, or one transaction in it.
type entry struct {
	amounts  map[string]money // by the element that names it: Amt, InstdAmt, TxAmt
	credit   bool
	reversal bool
	status   string
	day      time.Time
	ref      string // of the bank
	endToEnd string
	returned bool // it bears RtrInf
	reason   string
	detail   string
	badDay   string
	codes    []string // of the transaction: domain, family, sub-family, the bank's own
	text     string   // what is said in words about it
	batch    string   // PmtInfId
	message  string   // MsgId
	payments int      // NbOfTxs of a batch that is booked as one
	lump     bool     // it has Btch
}

type money struct {
	text, currency string
}

func (c *camt) document() error {
	root, err := c.Root()
	if err != nil {
		return err
	}
	if root.Name.Local != "Document" || !slices.Contains(namespaces, root.Name.Space) {
		return c.Fail(&isoxml.Wrong{Key: "refund.import.fault.message", Text: "the document is no camt.054.001.08 or camt.054.001.02"})
	}
	return c.Each(c.only("BkToCstmrDbtCdtNtfctn", func() error {
		return c.Each(c.only("Ntfctn", func() error {
			return c.Each(c.only("Ntry", c.booking))
		}))
	}))
}

// only reads the children of one name with f and passes over the others.
func (c *camt) only(name string, f func() error) func(xml.StartElement) error {
	return func(start xml.StartElement) error {
		if start.Name.Local == name {
			return f()
		}
		return c.Skip()
	}
}

// booking reads one Ntry. What its head says holds for its transactions, unless they say otherwise; the head comes first.
func (c *camt) booking() error {
	c.entries++
	head, transactions := entry{amounts: map[string]money{}}, 0
	var last *entry
	err := c.Each(func(start xml.StartElement) error {
		switch start.Name.Local {
		case "NtryDtls":
			return c.Each(func(start xml.StartElement) error {
				if start.Name.Local != "TxDtls" {
					return c.field(start, &head)
				}
				if transactions++; last != nil { // held back, since a single one takes the booking's amount
					if err := c.tell(*last); err != nil {
						return err
					}
				}
				last = head.part()
				return c.Each(func(start xml.StartElement) error { return c.field(start, last) })
			})
		case "AddtlNtryInf": // it stands behind the transactions
			text, err := c.Text()
			head.say(text)
			if last != nil {
				last.say(text)
			}
			return err
		}
		return c.field(start, &head)
	})
	if err != nil {
		return err
	}
	if last == nil {
		last = &head
	}
	if transactions <= 1 {
		last.amounts["Ntry"] = head.amounts["Amt"]
	}
	if err := c.tell(*last); err != nil || transactions == 0 || head.payments <= transactions {
		return err
	}
	return c.tell(head.rest(transactions))
}

// part begins a transaction of a booking: what the head says holds for it, but for amounts and what names the whole batch.
func (e *entry) part() *entry {
	one := *e
	one.amounts, one.lump, one.payments = map[string]money{}, false, 0
	return &one
}

// rest is what a booking holds beside the transactions that it lists. Its amount is not known: it is that of the whole.
func (e *entry) rest(listed int) entry {
	more := *e
	more.endToEnd, more.lump, more.payments = "", true, e.payments-listed
	return more
}

// say adds free text.
func (e *entry) say(text string) { e.text = clip(strings.TrimSpace(e.text + " " + text)) }

// field reads one element of a booking or transaction.
func (c *camt) field(start xml.StartElement, e *entry) (err error) { //nolint:cyclop // one flat case for each element
	switch start.Name.Local {
	case "Amt":
		return c.amount(start, e, "Amt")
	case "AmtDtls":
		return c.details(e)
	case "CdtDbtInd":
		var text string
		text, err = c.Text()
		e.credit = text == "CRDT"
	case "RvslInd":
		var text string
		text, err = c.Text()
		e.reversal = text == "true" || text == "1"
	case "Sts":
		e.status, err = c.inner("Cd")
	case "BookgDt", "ValDt": // the value date stands behind, and serves where the bank gives no other
		var text string
		if text, err = c.inner("Dt", "DtTm"); err == nil && (start.Name.Local == "BookgDt" || e.day.IsZero() && e.badDay == "") {
			e.date(text)
		}
	case "AcctSvcrRef":
		e.ref, err = c.Text()
	case "Refs", "Btch":
		e.lump = e.lump || start.Name.Local == "Btch"
		err = c.references(e)
	case "RtrInf":
		err = c.returnInfo(e)
	default:
		return c.words(start, e)
	}
	return err
}

// words reads what says in codes or in free text what a booking is.
func (c *camt) words(start xml.StartElement, e *entry) error {
	switch start.Name.Local {
	case "BkTxCd":
		e.codes = nil // a transaction's own code holds, not the booking's
		return c.gather(func(text string) { e.codes = append(e.codes, text) })
	case "RmtInf":
		return c.gather(e.say)
	case "AddtlTxInf":
		text, err := c.Text()
		e.say(text)
		return err
	}
	return c.Skip()
}

// gather hands each text below the element that was just begun to f.
func (c *camt) gather(f func(string)) error {
	for depth := 1; depth > 0; {
		token, err := c.Next()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); text != "" {
				f(clip(text))
			}
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

func (e *entry) date(text string) {
	day, err := time.Parse("2006-01-02", text[:min(10, len(text))])
	if e.day = day; err != nil {
		e.badDay = clip(text)
	}
}

func (c *camt) amount(start xml.StartElement, e *entry, name string) error {
	text, err := c.Text()
	if err != nil {
		return err
	}
	m := money{text: text}
	for _, a := range start.Attr {
		if a.Name.Local == "Ccy" {
			m.currency = a.Value
		}
	}
	e.amounts[name] = m
	return nil
}

// details reads AmtDtls: what was instructed and what was moved.
func (c *camt) details(e *entry) error {
	return c.Each(func(part xml.StartElement) error {
		if part.Name.Local != "InstdAmt" && part.Name.Local != "TxAmt" {
			return c.Skip()
		}
		return c.Each(func(start xml.StartElement) error {
			if start.Name.Local != "Amt" {
				return c.Skip()
			}
			return c.amount(start, e, part.Name.Local)
		})
	})
}

// inner reads the text of an element, or that of its child of one of the names: the versions differ.
func (c *camt) inner(names ...string) (string, error) {
	text, found := "", false
	for {
		token, err := c.Next()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			if !found {
				text = clip(text + string(t))
			}
		case xml.StartElement:
			if !slices.Contains(names, t.Name.Local) {
				if err := c.Skip(); err != nil {
					return "", err
				}
				continue
			}
			if text, err = c.Text(); err != nil {
				return "", err
			}
			found = true
		case xml.EndElement:
			return strings.TrimSpace(text), nil
		}
	}
}

func (c *camt) references(e *entry) error {
	return c.Each(func(start xml.StartElement) (err error) {
		switch start.Name.Local {
		case "EndToEndId":
			if e.endToEnd, err = c.Text(); e.endToEnd == "NOTPROVIDED" {
				e.endToEnd = ""
			}
		case "AcctSvcrRef":
			e.ref, err = c.Text()
		case "PmtInfId":
			e.batch, err = c.Text()
		case "MsgId":
			e.message, err = c.Text()
		case "NbOfTxs":
			var text string
			text, err = c.Text()
			e.payments, _ = strconv.Atoi(text) // what is no number says nothing
		default:
			return c.Skip()
		}
		return err
	})
}

func (c *camt) returnInfo(e *entry) error {
	e.returned = true
	return c.Each(func(start xml.StartElement) (err error) {
		switch start.Name.Local {
		case "Rsn":
			e.reason, err = c.inner("Cd", "Prtry")
		case "AddtlInf":
			var text string
			text, err = c.Text()
			e.detail = clip(strings.TrimSpace(e.detail + " " + text))
		default:
			return c.Skip()
		}
		return err
	})
}

// state says what an entry is, and what it is if it is about none of our payments.
func (e entry) state() (State, Why) { //nolint:cyclop // one flat case for each way in which banks say it
	switch {
	case e.status != "" && e.status != "BOOK":
		return Passed, Pending
	case e.credit && (e.returned || e.reversal || returnCode(e.codes) || returnWords(e.text)):
		return Returned, ""
	case e.credit && (e.endToEnd != "" || e.batch != ""):
		return Unclear, Income
	case e.credit:
		return Passed, Income
	case e.returned || e.reversal || returnCode(e.codes): // what leaves has not come back
		if e.endToEnd != "" {
			return Unclear, Bounced
		}
		return Passed, Bounced
	case e.endToEnd != "" || e.batch != "" || e.lump:
		return Booked, ""
	}
	return Passed, Outlay
}

// tell hands out what an entry says.
func (c *camt) tell(e entry) error {
	r := Result{EndToEndID: clip(e.endToEnd), Detail: e.detail, Reason: clip(e.reason), Date: e.day, BankRef: clip(e.ref), Line: c.Line()}
	r.State, r.Why = e.state()
	if e.endToEnd == "" {
		r.Batch, r.Payments, r.Whole = clip(e.batch), e.payments, e.batch != "" || e.lump
		if e.lump && r.Batch == "" {
			r.Batch = clip(e.message)
		}
	}
	order := []string{"InstdAmt", "Amt", "TxAmt", "Ntry"}
	if r.State == Returned || r.State == Unclear {
		order = []string{"Amt", "TxAmt", "InstdAmt", "Ntry"} // what came back may be less than was sent
		r.Reason, r.Detail = cmp.Or(r.Reason, reasonIn(e.text)), clip(strings.TrimSpace(r.Detail+" "+e.text))
	}
	var err error
	for _, name := range order {
		if m := e.amounts[name]; m.text != "" {
			r.Currency = m.currency
			r.Amount, err = isoxml.ParseAmount(m.text, m.currency)
			break
		}
	}
	switch {
	case err != nil:
	case r.Currency == "":
		err = &isoxml.Wrong{Key: "refund.import.fault.no_amount", Text: "no amount"}
	case e.day.IsZero():
		err = &isoxml.Wrong{Key: "refund.import.fault.day", Args: map[string]any{"Text": e.badDay}, Text: fmt.Sprintf("%q is no booking day", e.badDay)}
	}
	if r.State == Passed { // nothing of it is used but what it is
		err = nil
	}
	if err != nil {
		err = c.Fail(fmt.Errorf("payment %q: %w", r.EndToEndID, err))
	}
	if !c.yield(r, err) {
		c.left = true
		return errLeft
	}
	return nil
}
