package portal

import (
	"errors"

	"github.com/jackc/pgx/v5"

	"offramp/auth"
	"offramp/migration/replacement"
	"offramp/portal/page"
)

// choiceBody is room for the form of a choice with the longest list of losses.
const choiceBody = 128 << 10

// choiceList is every route about replacements, and about the last step. Members read, and tick off the guide.
func (s *Server) choiceList() []Route {
	return []Route{
		{Method: get, Path: "/replacements", Access: Customer, Handler: s.customer.ShowReplacements, Glance: true},
		{Method: post, Path: "/replacements/refresh", Access: Customer, Handler: s.customer.RefreshUsage},
		{Method: get, Path: "/replacements/none", Access: Customer, Handler: s.customer.ShowNone},
		{Method: post, Path: "/replacements/none", Access: Owner, Handler: s.customer.ChooseNone},
		{Method: get, Path: "/replacements/later", Access: Customer, Handler: s.customer.ShowLater},
		{Method: post, Path: "/replacements/later", Access: Owner, Handler: s.customer.ChooseLater},
		{Method: get, Path: "/replacements/undo", Access: Customer, Handler: s.customer.ShowUndo},
		{Method: post, Path: "/replacements/undo", Access: Owner, Handler: s.customer.Undo},
		{Method: get, Path: "/replacements/:key", Access: Customer, Handler: s.customer.ShowReplacement},
		{Method: get, Path: "/replacements/:key/choose", Access: Customer, Handler: s.customer.ShowChoose},
		{Method: post, Path: "/replacements/:key/check", Access: Owner, Handler: s.customer.CheckChoice, Body: choiceBody},
		{Method: post, Path: "/replacements/:key/choose", Access: Owner, Handler: s.customer.Choose, Body: choiceBody},
		{Method: get, Path: "/replacements/:key/done", Access: Customer, Handler: s.customer.ShowChosen},
		{Method: get, Path: "/replacements/:key/guide", Access: Customer, Handler: s.customer.ShowGuide},
		{Method: post, Path: "/replacements/:key/guide", Access: Customer, Handler: s.customer.TickStep},
		{Method: get, Path: "/replacements/:key/guide/share", Access: Customer, Handler: s.customer.ShareGuide},
		{Method: get, Path: "/replacements/:key/hand-over", Access: Owner, Handler: s.customer.ShowHandOver},
		{Method: post, Path: "/replacements/:key/hand-over", Access: Owner, Handler: s.customer.StartHandOver},
		{Method: get, Path: "/replacements/:key/hand-over/leaving", Access: Owner, Handler: s.customer.ShowLeaving},
		{Method: get, Path: "/replacements/:key/hand-over/leave", Access: Owner, Handler: s.customer.Leave},

		{Method: get, Path: "/confirm", Access: Customer, Handler: s.customer.ShowConfirm, Plan: true},
		{Method: post, Path: "/confirm", Access: Owner, Handler: s.customer.ConfirmMove, Plan: true},
		{Method: get, Path: "/confirm/done", Access: Customer, Handler: s.customer.ShowConfirmed, Plan: true},
	}
}

// withGlance reads what the comparison shows of the customer in the session's round trip. For staff there is nothing.
func withGlance(v *page.Visit) auth.Also {
	return auth.Also{
		Queue: replacement.QueueGlance,
		Read: func(r pgx.BatchResults) error {
			g, err := replacement.ReadGlance(r)
			switch {
			case err == nil:
				v.Glance = &g
			case !errors.Is(err, replacement.ErrNotFound):
				return err
			}
			return nil
		},
	}
}
