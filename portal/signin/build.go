package signin

import (
	"net/url"
	"strings"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/portal/page"
	"offramp/portal/ui"
)

func titleOf(realm auth.Realm) string {
	if realm == auth.Staff {
		return "auth.staff"
	}
	return "auth.sign_in"
}

// signInView is the page before the provider's.
type signInView struct {
	layout  ui.Page
	heading ui.Heading
	invited string // empty: nobody was
	start   ui.Link
	other   ui.Link // the other realm's door
}

func buildSignIn(v *page.Visit, wish auth.Start, layout ui.Page) signInView {
	l := v.Locale
	query := url.Values{}
	if wish.ReturnTo != "" {
		query.Set("return_to", wish.ReturnTo)
	}
	if wish.Invitation != "" {
		query.Set("invitation", wish.Invitation)
	}
	start := root(wish.Realm) + "/start"
	if len(query) > 0 {
		start += "?" + query.Encode()
	}
	view := signInView{layout: layout, start: ui.Link{Label: l.T("auth.sign_in.go"), URL: start, Icon: ui.IconArrow}}
	view.layout.Narrow, view.layout.NoIndex = true, true
	if wish.Realm == auth.Staff {
		view.heading = ui.Heading{Title: layout.Title, Lead: l.T("auth.staff.lead")}
		view.other = ui.Link{Label: l.T("auth.sign_in.customer"), URL: root(auth.Customers)}
		return view
	}
	view.heading = ui.Heading{Title: layout.Title, Lead: l.T("auth.sign_in.lead", "Product", layout.ProductName)}
	view.other = ui.Link{Label: l.T("auth.sign_in.staff"), URL: root(auth.Staff)}
	if wish.Invitation != "" {
		view.invited = l.T("auth.sign_in.invited")
	}
	return view
}

// signedOutView is the page after signing out.
type signedOutView struct {
	layout  ui.Page
	heading ui.Heading
	next    ui.Link
}

func buildSignedOut(v *page.Visit, leaving bool, layout ui.Page) signedOutView {
	l := v.Locale
	view := signedOutView{layout: layout, heading: ui.Heading{Title: layout.Title, Lead: l.T("auth.bye.text")}}
	view.layout.Narrow, view.layout.NoIndex, view.layout.Path = true, true, "/signed-out"
	view.next = ui.Link{Label: l.T("auth.bye.again"), URL: "/sign-in"}
	if leaving {
		view.heading.Lead = l.T("auth.bye.leaving")
		view.next = ui.Link{Label: l.T("auth.bye.provider"), URL: leavePath, Icon: ui.IconArrow}
	}
	return view
}

// WayOut is what to do about a refused sign-in, for the error page of a request to path. ok is false where err is about
// something else.
func WayOut(l *locale.Locale, path string, err error) (way ui.Link, ok bool) {
	f, ok := fault.As(err)
	if !ok {
		return ui.Link{}, false
	}
	door := root(auth.Customers)
	if strings.HasPrefix(path, "/staff/") {
		door = root(auth.Staff)
	}
	switch f.Key {
	case auth.ErrState.Key, auth.ErrDenied.Key, auth.ErrProviderRefused.Key, auth.ErrProviderDown.Key, auth.ErrInvitation.Key:
		return ui.Link{Label: l.T("auth.again"), URL: door}, true
	case auth.ErrUnknownCustomer.Key, auth.ErrDisabled.Key, auth.ErrStaffDisabled.Key, auth.ErrNoRole.Key:
		return ui.Link{Label: l.T("auth.other_account"), URL: door + "/start?fresh=1"}, true
	}
	return ui.Link{}, false
}
