package bankresult

import (
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"offramp/migration/refund/payout/isoxml"
)

// namespaces of the notifications that we read: the present one, and the one that many banks still send.
var namespaces = []string{
	"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08",
	"urn:iso:std:iso:20022:tech:xsd:camt.054.001.02",
}

// Camt reads an ISO 20022 debit and credit notification (camt.054.001.08 or .02). A debit is Booked. A credit that names why
// it came back, or reverses a debit, is Returned. Other credits are none of ours; neither is what is still pending.
func Camt(r io.Reader) iter.Seq2[Result, error] { return camtWithin(r, MaxBytes) }

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
		return c.Fail(fmt.Errorf("the document is no camt.054.001.08 or camt.054.001.02"))
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
		if start.Name.Local != "NtryDtls" {
			return c.field(start, &head)
		}
		return c.Each(c.only("TxDtls", func() error {
			if transactions++; last != nil { // held back, since a single one takes the booking's amount
				if err := c.tell(*last); err != nil {
					return err
				}
			}
			one := head
			one.amounts = map[string]money{}
			last = &one
			return c.transaction(last)
		}))
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
	return c.tell(*last)
}

func (c *camt) transaction(e *entry) error {
	return c.Each(func(start xml.StartElement) error { return c.field(start, e) })
}

// field reads one element of a booking or transaction.
func (c *camt) field(start xml.StartElement, e *entry) (err error) {
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
	case "BookgDt":
		var text string
		if text, err = c.inner("Dt", "DtTm"); err == nil {
			e.date(text)
		}
	case "AcctSvcrRef":
		e.ref, err = c.Text()
	case "Refs":
		err = c.references(e)
	case "RtrInf":
		err = c.returnInfo(e)
	default:
		return c.Skip()
	}
	return err
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

// ours reports whether the entry is booked, and can be about a payment of ours: a debit that names one, or what came back.
func (e entry) ours(back bool) bool {
	if e.status != "" && e.status != "BOOK" {
		return false
	}
	return back || !e.credit && e.endToEnd != ""
}

// tell hands out what is about a payment of ours.
func (c *camt) tell(e entry) error {
	back := e.returned || e.reversal
	if !e.ours(back) {
		return nil
	}
	r := Result{EndToEndID: clip(e.endToEnd), State: Booked, Detail: e.detail, Reason: clip(e.reason), Date: e.day, BankRef: clip(e.ref), Line: c.Line()}
	order := []string{"InstdAmt", "Amt", "TxAmt", "Ntry"}
	if back {
		r.State, order = Returned, []string{"Amt", "TxAmt", "InstdAmt", "Ntry"} // what came back may be less than was sent
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
		err = fmt.Errorf("no amount")
	case e.day.IsZero():
		err = fmt.Errorf("%q is no booking day", e.badDay)
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
