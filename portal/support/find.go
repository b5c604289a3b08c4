package support

import (
	"context"
	"fmt"
	"slices"

	"offramp/internal/reference"
	"offramp/portal/page"
)

// named is whom the references in a search name, and by what.
type named struct {
	ids []string
	by  map[string][]string // customer id -> references, or the words for a support code
}

// add notes that a reference names customers.
func (n *named) add(by string, ids ...string) {
	for _, id := range ids {
		if id == "" {
			continue
		}
		if !slices.Contains(n.ids, id) {
			n.ids = append(n.ids, id)
		}
		n.by[id] = append(n.by[id], by)
	}
}

// codesShown bounds how many customers with one support code are named: a code is no secret and may belong to several.
const codesShown = 100

// named looks for what a text may refer to besides a customer's own number: an export, a request for help, a refund, a batch, or a
// support code. Digits alone may mean each of them.
func (p *Pages) named(ctx context.Context, v *page.Visit, text string) (n named, err error) {
	n.by = map[string][]string{}
	typed, who := reference.Read(text), v.Session.IdentityID
	for _, kind := range []struct {
		prefix string
		of     func(context.Context, string, int64) (string, error)
	}{{"EX", p.Exports.CustomerOf}, {"HR", p.Help.CustomerOf}} {
		number, ok := typed.Number(kind.prefix)
		if !ok {
			continue
		}
		id, err := kind.of(ctx, who, number)
		if err != nil {
			return n, err
		}
		n.add(fmt.Sprintf("%s-%d", kind.prefix, number), id)
	}
	refunds, err := p.Refunds.Named(ctx, who, typed)
	if err != nil {
		return n, err
	}
	for _, r := range refunds {
		n.add(r.Ref, r.CustomerIDs...)
	}
	if code := typed.Digits(6); code != "" {
		has := func(id string) bool { return reference.Read(page.SupportCode(p.Secret, id)).Plain == code }
		ids, err := p.Customers.Which(ctx, who, has, codesShown)
		if err != nil {
			return n, err
		}
		n.add(v.Locale.T("console.found_by.code"), ids...)
	}
	return n, nil
}
