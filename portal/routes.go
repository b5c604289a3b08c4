package portal

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/migration/notice"
	"offramp/migration/notice/click"
	"offramp/portal/api"
	"offramp/portal/banner"
	"offramp/portal/customer/inbox"
	"offramp/portal/customer/settle"
	"offramp/portal/document"
	"offramp/portal/help"
	"offramp/portal/page"
	"offramp/portal/trail"
)

const (
	get  = http.MethodGet
	post = http.MethodPost

	// For River's pages alone: every form of ours is a POST.
	put   = http.MethodPut
	patch = http.MethodPatch
)

// Route is one address with the method, those who may use it, and what answers. GET answers HEAD, too.
type Route struct {
	Method  string
	Path    string
	Access  Access
	Handler echo.HandlerFunc
	Quiet   bool  // asked for by a page or a program rather than a person: it keeps no session alive
	Plan    bool  // shows the customer's plan, which is read together with the session
	Glance  bool  // compares replacements for the customer, of whom the like is read
	Early   bool  // works before a programme is in effect
	Bare    bool  // needs to know nobody: no session is looked up
	Long    bool  // may send a file for as long as its bytes move
	Free    bool  // is not counted against whoever asks: cached assets, and programs whose signatures speak for them
	Recent  bool  // asks staff for credentials again that were given too long ago
	SignIn  bool  // leads to or from a provider: counted by address
	Body    int64 // most bytes that may be sent; 0: page.MaxBody
}

// exportBody is room for the form of an export with the longest lists of choices.
const exportBody = 512 << 10

// list is every route but those of staff.
func (s *Server) list() []Route {
	return slices.Concat(s.planList(), s.exportList(), s.choiceList(), s.settleList(), s.personList(), s.hookList(), s.programList())
}

// planList is every route that serves pages' parts, public pages and the plan.
func (s *Server) planList() []Route {
	return []Route{
		{Method: get, Path: "/static/*", Access: Public, Handler: s.serveStatic, Bare: true, Free: true},
		{Method: get, Path: "/brand/:file", Access: Public, Handler: s.serveBrand, Bare: true, Free: true},
		{Method: get, Path: "/favicon.ico", Access: Public, Handler: serveIcon, Bare: true, Free: true},
		{Method: get, Path: banner.ScriptPath, Access: Public, Handler: s.banner.Script, Bare: true, Free: true, Early: true},
		{Method: get, Path: banner.DataPath, Access: Public, Handler: s.banner.Data, Bare: true, Free: true, Early: true},

		{Method: get, Path: "/", Access: Public, Handler: s.customer.Home},
		{Method: get, Path: "/:locale/", Access: Public, Handler: s.customer.ShowNotice},
		{Method: get, Path: "/:locale/faq", Access: Public, Handler: s.customer.ShowFAQ},
		{Method: post, Path: "/language/:tag", Access: Public, Handler: s.chooseLanguage},
		{Method: post, Path: "/theme/:value", Access: Public, Handler: s.chooseTheme},

		{Method: get, Path: "/plan", Access: Customer, Handler: s.customer.ShowPlan, Plan: true},
		{Method: get, Path: "/plan/export", Access: Customer, Handler: s.customer.ShowExportProgress, Quiet: true, Plan: true},
		{Method: get, Path: "/plan/dates", Access: Customer, Handler: s.customer.ShowDates, Plan: true},
		{Method: post, Path: "/plan/dates", Access: Owner, Handler: s.customer.NoteDates},
		{Method: get, Path: "/plan/dates.ics", Access: Customer, Handler: s.customer.DownloadCalendar, Plan: true},
		{Method: post, Path: "/plan/calendar", Access: Customer, Handler: s.customer.RenewCalendar},
		{Method: post, Path: "/plan/calendar/stop", Access: Customer, Handler: s.customer.StopCalendar},
		{Method: get, Path: "/calendar/:token", Access: Public, Handler: s.customer.ServeFeed, Bare: true},
		{Method: get, Path: help.Path, Access: Customer, Handler: s.customer.ShowHelp},
		{Method: get, Path: help.NewPath, Access: Customer, Handler: s.help.ShowNew},
		{Method: post, Path: help.NewPath, Access: Customer, Handler: s.help.Ask},
		{Method: get, Path: help.Path + "/:id", Access: Customer, Handler: s.help.Show},
		{Method: post, Path: help.Path + "/:id/say", Access: Customer, Handler: s.help.Say},
		{Method: post, Path: help.Path + "/:id/close", Access: Customer, Handler: s.help.Close},
		{Method: get, Path: inbox.Path, Access: Customer, Handler: s.inbox.Show},
		{Method: post, Path: inbox.Path + "/preferences", Access: Customer, Handler: s.inbox.SavePreferences},
		{Method: get, Path: inbox.PeoplePath, Access: Customer, Handler: s.inbox.ShowPeople},
		{Method: post, Path: inbox.PeoplePath, Access: Customer, Handler: s.inbox.SavePeople},
		{Method: get, Path: inbox.PhonePath, Access: Customer, Handler: s.inbox.ShowPhone},
		{Method: post, Path: inbox.PhonePath, Access: Customer, Handler: s.inbox.AskPhoneCode},
		{Method: post, Path: inbox.PhonePath + "/confirm", Access: Customer, Handler: s.inbox.ConfirmPhone},
		{Method: post, Path: inbox.PhonePath + "/consent", Access: Customer, Handler: s.inbox.SavePhoneConsent},
		{Method: post, Path: inbox.PhonePath + "/remove", Access: Customer, Handler: s.inbox.RemovePhone},
		{Method: get, Path: notice.LeavePath + ":token", Access: Public, Handler: s.inbox.AskLeave},
		{Method: get, Path: click.Path + ":token/:place", Access: Public, Handler: s.inbox.Follow},
		{Method: post, Path: notice.LeavePath + ":token", Access: Public, Handler: s.inbox.Leave, Free: true},
	}
}

// exportList is every route about exports.
func (s *Server) exportList() []Route {
	return []Route{
		// Whether a member may export is the programme's to say, so these ask the service.
		{Method: get, Path: "/exports", Access: Customer, Handler: s.customer.ListExports, Plan: true},
		{Method: post, Path: "/exports", Access: Customer, Handler: s.customer.RequestExport, Body: exportBody},
		{Method: get, Path: "/exports/new", Access: Customer, Handler: s.customer.ShowNewExport, Plan: true},
		{Method: post, Path: "/exports/new", Access: Customer, Handler: s.customer.ChangeNewExport, Body: exportBody},
		{Method: post, Path: "/exports/new/check", Access: Customer, Handler: s.customer.CheckNewExport, Body: exportBody},
		{Method: get, Path: "/exports/outline", Access: Customer, Handler: s.customer.ShowOutline, Quiet: true},
		{Method: post, Path: "/exports/outline", Access: Customer, Handler: s.customer.AskOutline},
		{Method: get, Path: "/exports/:id", Access: Customer, Handler: s.customer.ShowExport},
		{Method: get, Path: "/exports/:id/progress", Access: Customer, Handler: s.customer.PollExport, Quiet: true},
		{Method: get, Path: "/exports/:id/download", Access: Customer, Handler: s.customer.DownloadExport},
		{Method: get, Path: "/exports/:id/check", Access: Customer, Handler: s.customer.ShowCheck},
		{Method: post, Path: "/exports/:id/check", Access: Customer, Handler: s.customer.ConfirmExport},
		{Method: post, Path: "/exports/:id/cancel", Access: Customer, Handler: s.customer.CancelExport},
		{Method: post, Path: "/exports/:id/retry", Access: Customer, Handler: s.customer.RetryExport},
		{Method: get, Path: "/exports/:id/volumes/:number", Access: Customer, Handler: s.customer.DownloadVolume},
		{Method: get, Path: "/exports/:id/volumes/:number/file", Access: Customer, Handler: s.customer.SendVolume, Long: true},
		{Method: get, Path: "/exports/:id/receipt.json", Access: Customer, Handler: s.customer.DownloadReceipt},
		{Method: get, Path: "/exports/:id/receipt.jws", Access: Customer, Handler: s.customer.DownloadSignedReceipt},
		{Method: post, Path: "/exports/:id/script", Access: Customer, Handler: s.customer.MakeScript},
		{Method: post, Path: "/exports/:id/script/revoke", Access: Customer, Handler: s.customer.RevokeScript},
		{Method: get, Path: "/exports/:id/deliver", Access: Customer, Handler: s.customer.ShowDeliver},
		{Method: post, Path: "/exports/:id/deliver", Access: Customer, Handler: s.customer.StartDelivery},
		{Method: get, Path: "/exports/:id/deliver/progress", Access: Customer, Handler: s.customer.PollDelivery, Quiet: true},
		{Method: post, Path: "/exports/:id/deliver/cancel", Access: Customer, Handler: s.customer.CancelDelivery},
		{Method: get, Path: "/download/:id/:number", Access: Public, Handler: s.customer.DownloadByToken, Bare: true, Long: true},
		{Method: get, Path: "/receipt-keys.json", Access: Public, Handler: s.customer.ServeReceiptKeys, Bare: true},

		{Method: get, Path: "/exports/:id/volumes.json", Access: Customer, Handler: s.customer.ListVolumes, Quiet: true},
		{Method: get, Path: "/exports/:id/delete", Access: Customer, Handler: s.customer.ShowDelete},
		{Method: post, Path: "/exports/:id/delete", Access: Customer, Handler: s.customer.DeleteExport},
		{Method: post, Path: "/exports/:id/again", Access: Customer, Handler: s.customer.RenewExport},
		{Method: post, Path: "/exports/:id/repair", Access: Customer, Handler: s.customer.RepairExport},
		{Method: get, Path: "/exports/:id/help", Access: Customer, Handler: s.customer.ShowAskHelp},
		{Method: post, Path: "/exports/:id/help", Access: Customer, Handler: s.customer.AskHelp},
		{Method: get, Path: "/replacements/:key/import", Access: Customer, Handler: s.customer.ShowImport},
	}
}

// settleList is every route of step 4. What changes money is the owner's.
func (s *Server) settleList() []Route {
	p := s.refunds
	return []Route{
		{Method: get, Path: settle.Path, Access: Customer, Handler: p.Show},
		{Method: get, Path: settle.Path + "/:currency/method", Access: Owner, Handler: p.ShowMethod},
		{Method: post, Path: settle.Path + "/:currency/method", Access: Owner, Handler: p.ChooseMethod},
		{Method: get, Path: settle.Path + "/:currency/bank", Access: Owner, Handler: p.ShowAccount},
		{Method: post, Path: settle.Path + "/:currency/bank", Access: Owner, Handler: p.FillAccount},
		{Method: get, Path: settle.Path + "/:currency/check", Access: Owner, Handler: p.ShowCheck},
		{Method: post, Path: settle.Path + "/:currency/check", Access: Owner, Handler: p.Submit},
		{Method: get, Path: settle.Path + "/:ref", Access: Customer, Handler: p.ShowRefund},
		{Method: get, Path: settle.Path + "/:ref/submitted", Access: Customer, Handler: p.ShowSubmitted},
		{Method: post, Path: settle.Path + "/:ref/answer", Access: Owner, Handler: p.Answer, Body: document.Body, Long: true},
		{Method: post, Path: settle.Path + "/:ref/objection", Access: Owner, Handler: p.Object},
		{Method: post, Path: settle.Path + "/:ref/withdraw", Access: Owner, Handler: p.Withdraw},
		{Method: post, Path: settle.Path + "/:ref/documents", Access: Owner, Handler: p.Attach, Body: document.Body, Long: true},
		{Method: get, Path: settle.Path + "/:ref/documents/:id", Access: Owner, Handler: p.DownloadDocument, Long: true},
		{Method: post, Path: settle.Path + "/:ref/documents/:id/remove", Access: Owner, Handler: p.RemoveDocument},
		{Method: get, Path: settle.Path + "/:ref/account", Access: Owner, Handler: p.ShowCorrect},
		{Method: post, Path: settle.Path + "/:ref/account", Access: Owner, Handler: p.Correct},
	}
}

// personList is every route about who somebody is.
func (s *Server) personList() []Route {
	return []Route{
		{Method: get, Path: "/sign-in", Access: Public, Handler: s.signIn.Show(auth.Customers)},
		{Method: get, Path: "/sign-in/start", Access: Public, Handler: s.signIn.Start(auth.Customers), Bare: true, SignIn: true},
		{Method: get, Path: "/sign-in/callback", Access: Public, Handler: s.signIn.Finish(auth.Customers), Bare: true, SignIn: true},
		{Method: post, Path: "/sign-in/back-channel-logout", Access: Public, Handler: s.signIn.TakeLogout(auth.Customers), Bare: true, Free: true},
		{Method: get, Path: "/staff/sign-in", Access: Public, Handler: s.signIn.Show(auth.Staff)},
		{Method: get, Path: "/staff/sign-in/start", Access: Public, Handler: s.signIn.Start(auth.Staff), Bare: true, SignIn: true},
		{Method: get, Path: "/staff/sign-in/callback", Access: Public, Handler: s.signIn.Finish(auth.Staff), Bare: true, SignIn: true},
		{Method: post, Path: "/staff/sign-in/back-channel-logout", Access: Public, Handler: s.signIn.TakeLogout(auth.Staff), Bare: true, Free: true},
		{Method: get, Path: "/account", Access: SignedIn, Handler: s.signIn.ShowAccount},
		{Method: post, Path: "/account", Access: SignedIn, Handler: s.signIn.SaveAccount},
		{Method: get, Path: trail.Path, Access: Customer, Handler: s.trail.Show},
		{Method: post, Path: "/account/mail", Access: Customer, Handler: s.signIn.AskAddress},
		{Method: get, Path: "/account/mail/:token", Access: Customer, Handler: s.signIn.ShowConfirmAddress},
		{Method: post, Path: "/account/mail/:token", Access: Customer, Handler: s.signIn.ConfirmAddress},
		{Method: post, Path: "/account/sessions/end-others", Access: SignedIn, Handler: s.signIn.EndOthers},
		{Method: post, Path: "/account/sessions/:id/end", Access: SignedIn, Handler: s.signIn.EndSession},
		{Method: post, Path: "/sign-out", Access: Public, Handler: s.signIn.SignOut},
		{Method: get, Path: "/signed-out", Access: Public, Handler: s.signIn.ShowSignedOut},
		{Method: get, Path: "/signed-out/provider", Access: Public, Handler: s.signIn.Leave, Bare: true},
	}
}

// programList is every route that programs call.
func (s *Server) programList() []Route {
	return []Route{
		{Method: post, Path: api.StripePath, Access: Public, Handler: s.api.TakeStripe, Bare: true, Free: true, Early: true, Body: api.StripeBody},
		{Method: post, Path: api.TextHookPath, Access: Public, Handler: s.api.TakeTextReports, Bare: true, Free: true, Early: true, Body: api.MailHookBody},
		{Method: post, Path: api.MailHookPath, Access: Public, Handler: s.api.TakeMailReports, Bare: true, Free: true, Early: true, Body: api.MailHookBody},
	}
}

// Routes returns the list, for the test that holds it against the access table.
func (s *Server) Routes() []Route { return s.routes }

// landing reports whether a person may be sent to a path after signing in: a page of its own, for people who are signed in.
func (s *Server) landing(path string) bool {
	pattern := page.Match(s.echo, get, path)
	return slices.ContainsFunc(s.routes, func(r Route) bool {
		return r.Method == get && r.Path == pattern && !r.Bare && !r.Quiet && r.Access&Anonymous == 0
	})
}
