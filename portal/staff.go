package portal

import (
	"context"
	"log/slog"
	"slices"

	"offramp/auth"
	who "offramp/auth/people"
	"offramp/export"
	auditlog "offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/migration/assistance"
	erasing "offramp/migration/erasure"
	asked "offramp/migration/feedback"
	counts "offramp/migration/figures"
	"offramp/migration/find"
	"offramp/migration/governance"
	"offramp/migration/governance/application"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/risk"
	"offramp/migration/governance/rollup"
	"offramp/migration/notice"
	briefs "offramp/migration/notice/briefing"
	"offramp/migration/notice/reach"
	"offramp/migration/notice/truth"
	"offramp/migration/refund"
	"offramp/migration/replacement"
	app "offramp/portal/application"
	"offramp/portal/approvals"
	"offramp/portal/audit"
	"offramp/portal/briefing"
	"offramp/portal/console"
	"offramp/portal/delivery"
	"offramp/portal/document"
	"offramp/portal/erasure"
	"offramp/portal/feedback"
	"offramp/portal/figures"
	"offramp/portal/finance"
	"offramp/portal/helpdesk"
	"offramp/portal/manager"
	"offramp/portal/notices"
	"offramp/portal/ops"
	"offramp/portal/overview"
	"offramp/portal/page"
	"offramp/portal/people"
	"offramp/portal/risks"
	"offramp/portal/support"
	"offramp/portal/workspace"
)

// Consoles are the pages of staff.
type Consoles struct {
	arrive   *console.Pages
	support  *support.Pages
	manager  *manager.Pages
	audit    *audit.Pages
	ops      *ops.Pages
	finance  *finance.Pages
	notices  *notices.Pages
	people   *people.Pages
	delivery *delivery.Pages
	plans    *workspace.Pages
	briefing *briefing.Pages
	approval *approvals.Pages
	report   *app.Pages
	helpdesk *helpdesk.Pages
	overview *overview.Pages
	figures  *figures.Pages
	feedback *feedback.Pages
	erasure  *erasure.Pages
	risks    *risks.Pages
}

// ConsoleParts are the services behind the pages of staff.
type ConsoleParts struct {
	DB         *db.DB
	Heads      *auditlog.Keeper // signed heads of the audit log; nil: none are kept
	Customers  *migration.Service
	Programmes *migration.Programmes
	Exports    *export.Service
	Help       *assistance.Service
	Refunds    *refund.Service
	Queue      *jobs.Client // which may only insert
	Log        *slog.Logger
	Auth       *auth.Service
	Choices    *replacement.Service
	Notices    *notice.Service
	Reach      *reach.Service
	Truth      *truth.Service
	Plans      *governance.Service
	Approvals  *approval.Service
	Risks      *risk.Service
	Rollups    *rollup.Service
	Figures    *counts.Service
}

// NewConsoles builds the pages of staff.
func NewConsoles(k *page.Kit, p ConsoleParts) (*Consoles, error) {
	operations, err := ops.New(k, p.DB, p.Exports, p.Queue, p.Log)
	if err != nil {
		return nil, err
	}
	return &Consoles{
		arrive:   &console.Pages{Kit: k},
		support:  &support.Pages{Kit: k, Customers: p.Customers, Exports: p.Exports, Help: p.Help, Choices: p.Choices, Refunds: p.Refunds, Auth: p.Auth, Find: find.New(p.DB)},
		manager:  &manager.Pages{Kit: k, Programmes: p.Programmes, Customers: p.Customers, Choices: p.Choices, Notices: p.Notices},
		audit:    &audit.Pages{Kit: k, Log: audit.NewLog(p.DB, p.Heads), Customers: p.Customers},
		ops:      operations,
		finance:  &finance.Pages{Kit: k, Refunds: p.Refunds, Customers: p.Customers},
		notices:  &notices.Pages{Kit: k, Notices: p.Notices, Customers: p.Customers, Reach: p.Reach},
		delivery: &delivery.Pages{Kit: k, Truth: p.Truth, Customers: p.Customers},
		people:   &people.Pages{Kit: k, People: who.NewService(p.DB, p.Auth.Idle()), Customers: p.Customers},
		plans:    &workspace.Pages{Kit: k, Plans: p.Plans, Customers: p.Customers},
		overview: &overview.Pages{Kit: k, Rollups: p.Rollups, Approvals: p.Approvals},
		report:   &app.Pages{Kit: k, Reports: application.New(p.DB, k.Programmes, p.Approvals, p.Rollups, p.Plans, p.Log)},
		approval: &approvals.Pages{Kit: k, Approvals: p.Approvals, Plans: p.Plans, Customers: p.Customers},
		figures:  &figures.Pages{Kit: k, Figures: p.Figures, Customers: p.Customers},
		risks:    &risks.Pages{Kit: k, Risks: p.Risks, Plans: p.Plans, Customers: p.Customers},
		helpdesk: &helpdesk.Pages{Kit: k, Help: p.Help, Exports: p.Exports, Customers: p.Customers},
		feedback: &feedback.Pages{Kit: k, Feedback: asked.New(p.DB, k.Programmes)},
		erasure:  &erasure.Pages{Kit: k, Erasures: erasing.NewService(p.DB, k.Programmes), Plan: erasing.PlanEnqueuer(p.Queue)},
		briefing: &briefing.Pages{Kit: k, Briefing: briefs.New(p.DB, k.Programmes), Customers: p.Customers},
	}, nil
}

// Start keeps what the consoles' figures are made from fresh, until ctx ends.
func (s *Consoles) Start(ctx context.Context) error { return s.ops.Start(ctx) }

// list is every route of staff. A look at customers' rows is recorded, also by GET (ADR 0004).
func (s *Consoles) list() []Route {
	return slices.Concat(s.staffList(), s.noticesList(), s.peopleList(), s.financeList(), s.planList(), s.riskList(), s.approvalList(), s.applicationList(), s.overviewList(), s.briefingList(), s.helpList(), s.figuresList(), s.feedbackList(), s.erasureList())
}

// erasureList is every route of erasing customers' data. That it takes two people is the database's to say.
func (s *Consoles) erasureList() []Route {
	p := s.erasure
	return []Route{
		{Method: get, Path: erasure.Path, Access: ProgrammeManager, Handler: p.Show},
		{Method: get, Path: erasure.CustomerPath, Access: ProgrammeManager, Handler: p.ShowCustomer},
		{Method: post, Path: erasure.Path + "/ask", Access: ProgrammeManager, Handler: p.Ask, Recent: true},
		{Method: post, Path: erasure.Path + "/hold", Access: ProgrammeManager, Handler: p.SetHold, Recent: true},
		{Method: post, Path: erasure.Path + "/release", Access: ProgrammeManager, Handler: p.EndHold, Recent: true},
		{Method: get, Path: erasure.RunsPath + "/:id", Access: ProgrammeManager, Handler: p.ShowRun},
		{Method: post, Path: erasure.RunsPath + "/:id/agree", Access: ProgrammeManager, Handler: p.Agree, Recent: true},
		{Method: post, Path: erasure.RunsPath + "/:id/withdraw", Access: ProgrammeManager, Handler: p.Withdraw},
		{Method: get, Path: erasure.CertificatesPath + "/:id", Access: ProgrammeManager, Handler: p.ShowCertificate},
		{Method: get, Path: erasure.CertificatesPath + "/:id/certificate.jws", Access: ProgrammeManager, Handler: p.Download},
	}
}

// figuresList is every route of the programme's reports. Nothing in them is about anybody.
func (s *Consoles) figuresList() []Route {
	const report = figures.Path + "/:report"
	return []Route{
		{Method: get, Path: figures.Path, Access: Staff, Handler: s.figures.Show},
		{Method: get, Path: figures.WeeklyPath, Access: Staff, Handler: s.figures.ShowWeekly},
		{Method: post, Path: figures.WeeklyPath + "/:week/send", Access: ProgrammeManager, Handler: s.figures.DecideWeekly(true)},
		{Method: post, Path: figures.WeeklyPath + "/:week/drop", Access: ProgrammeManager, Handler: s.figures.DecideWeekly(false)},
		{Method: get, Path: report, Access: Staff, Handler: s.figures.ShowReport},
		{Method: get, Path: report + "/table.csv", Access: Staff, Handler: s.figures.Download("csv")},
		{Method: get, Path: report + "/table.xlsx", Access: Staff, Handler: s.figures.Download("xlsx")},
	}
}

// noticesList is every route about what customers are told, and how far it reached.
func (s *Consoles) noticesList() []Route {
	return []Route{
		{Method: get, Path: notices.Path, Access: ProgrammeManager, Handler: s.notices.Show},
		{Method: get, Path: notices.Path + "/day", Access: ProgrammeManager, Handler: s.notices.ShowDay},
		{Method: post, Path: notices.Path + "/rate", Access: ProgrammeManager, Handler: s.notices.SetRate},
		{Method: get, Path: notices.Path + "/:key/preview", Access: ProgrammeManager, Handler: s.notices.ShowLetter, Quiet: true},
		{Method: get, Path: notices.Path + "/:key/messages", Access: ProgrammeManager, Handler: s.notices.ShowMessages},
		{Method: get, Path: notices.Path + "/:key/messages.csv", Access: ProgrammeManager, Handler: s.notices.DownloadMessages},
		{Method: get, Path: notices.Path + "/:key", Access: ProgrammeManager, Handler: s.notices.ShowOne},
		{Method: post, Path: notices.Path + "/:key/approve", Access: ProgrammeManager, Handler: s.notices.Approve},
		{Method: post, Path: notices.Path + "/:key/try", Access: ProgrammeManager, Handler: s.notices.Try},
		{Method: post, Path: notices.Path + "/:key/pause", Access: ProgrammeManager, Handler: s.notices.Pause},
		{Method: post, Path: notices.Path + "/:key/resume", Access: ProgrammeManager, Handler: s.notices.Resume},
		{Method: get, Path: notices.CallsPath, Access: Support | ProgrammeManager, Handler: s.notices.ShowCalls},
		{Method: post, Path: notices.CallsPath + "/:id/take", Access: Support | ProgrammeManager, Handler: s.notices.TakeCall},
		{Method: post, Path: notices.CallsPath + "/:id/end", Access: Support | ProgrammeManager, Handler: s.notices.EndCall},
		{Method: post, Path: notices.CallsPath + "/:id/waive", Access: Support | ProgrammeManager, Handler: s.notices.AskCallWaiver},
		{Method: post, Path: notices.CallsPath + "/:id/confirm-waiver", Access: ProgrammeManager, Handler: s.notices.ConfirmCallWaiver},
		{Method: get, Path: notices.ReachPath, Access: ProgrammeManager, Handler: s.notices.ShowReach},
		{Method: post, Path: notices.ReachPath + "/end", Access: ProgrammeManager, Handler: s.notices.AskEnd, Recent: true},
		{Method: post, Path: notices.ReachPath + "/end/declare", Access: ProgrammeManager, Handler: s.notices.DeclareEnd, Recent: true},
		{Method: post, Path: notices.ReachPath + "/end/withdraw", Access: ProgrammeManager, Handler: s.notices.WithdrawEnd},
		{Method: post, Path: notices.ReachPath + "/:id/call", Access: ProgrammeManager, Handler: s.notices.OpenCall},
		{Method: post, Path: notices.ReachPath + "/:id/waive", Access: ProgrammeManager, Handler: s.notices.AskWaiver},
		{Method: post, Path: notices.ReachPath + "/:id/confirm", Access: ProgrammeManager, Handler: s.notices.ConfirmWaiver},
		{Method: post, Path: notices.ReachPath + "/:id/refuse", Access: ProgrammeManager, Handler: s.notices.RefuseWaiver},
	}
}

// helpList is every route about requests for help.
func (s *Consoles) helpList() []Route {
	d := s.helpdesk
	return []Route{
		{Method: get, Path: helpdesk.QueuePath, Access: Support, Handler: d.ShowQueue},
		{Method: get, Path: helpdesk.Path + "/:id", Access: Support, Handler: d.Show},
		{Method: post, Path: helpdesk.Path + "/:id/answer", Access: Support, Handler: d.Answer},
		{Method: post, Path: helpdesk.Path + "/:id/note", Access: Support, Handler: d.AddNote},
		{Method: post, Path: helpdesk.Path + "/:id/owner", Access: Support, Handler: d.Give},
		{Method: post, Path: helpdesk.Path + "/:id/snooze", Access: Support, Handler: d.Snooze},
		{Method: post, Path: helpdesk.Path + "/:id/close", Access: Support, Handler: d.Settle},
		{Method: post, Path: helpdesk.Path + "/:id/presence", Access: Support, Handler: d.Presence, Quiet: true},
	}
}

// peopleList is every route about people's access. What takes two people is the database's to say.
func (s *Consoles) peopleList() []Route {
	p := s.people
	return []Route{
		{Method: get, Path: people.Path, Access: ProgrammeManager, Handler: p.Show, Early: true},
		{Method: get, Path: people.Path + "/:kind/:id", Access: ProgrammeManager, Handler: p.ShowPerson, Early: true},
		{Method: post, Path: people.Path + "/:kind/:id/end-sessions", Access: ProgrammeManager, Handler: p.EndSessions, Early: true, Recent: true},
		{Method: post, Path: people.Path + "/:kind/:id/disable", Access: ProgrammeManager, Handler: p.Disable, Early: true, Recent: true},
		{Method: post, Path: people.Path + "/:kind/:id/enable", Access: ProgrammeManager, Handler: p.Enable, Early: true, Recent: true},
		{Method: post, Path: people.Path + "/changes/:id/confirm", Access: ProgrammeManager, Handler: p.Confirm, Early: true, Recent: true},
		{Method: post, Path: people.Path + "/changes/:id/withdraw", Access: ProgrammeManager, Handler: p.Withdraw, Early: true, Recent: true},
	}
}

func (s *Consoles) staffList() []Route {
	return []Route{
		{Method: get, Path: "/console", Access: Staff, Handler: s.arrive.Arrive, Early: true},

		{Method: get, Path: "/console/support", Access: Support, Handler: s.support.ShowDesk},
		{Method: get, Path: "/console/support/customers/:id", Access: Support, Handler: s.support.ShowCustomer},
		{Method: post, Path: "/console/support/customers/:id/reveal", Access: Support, Handler: s.support.RevealContact},
		{Method: post, Path: "/console/support/customers/:id/join", Access: Support, Handler: s.support.JoinContacts},
		{Method: post, Path: "/console/support/exports/:id/retry", Access: Support, Handler: s.support.RetryExport},
		{Method: post, Path: "/console/support/exports/:id/cancel", Access: Support, Handler: s.support.CancelExport},

		{Method: get, Path: "/console/programme", Access: ProgrammeManager, Handler: s.manager.ShowProgramme, Early: true},
		{Method: get, Path: "/console/programme/replacements", Access: ProgrammeManager, Handler: s.manager.ShowReplacements},
		{Method: get, Path: "/console/programme/:id", Access: ProgrammeManager, Handler: s.manager.ShowVersion, Early: true},
		{Method: get, Path: "/console/programme/:id/source", Access: ProgrammeManager, Handler: s.manager.DownloadSource, Early: true},
		{Method: post, Path: "/console/programme/:id/approve", Access: ProgrammeManager, Handler: s.manager.Approve, Early: true, Recent: true},
		{Method: post, Path: "/console/programme/:id/withdraw", Access: ProgrammeManager, Handler: s.manager.Withdraw, Early: true},

		{Method: get, Path: delivery.Path, Access: Support | ProgrammeManager, Handler: s.delivery.Show},
		{Method: post, Path: delivery.Path + "/:id/lift", Access: Support | ProgrammeManager, Handler: s.delivery.Lift},
		{Method: post, Path: delivery.Path + "/mails/:id/again", Access: Support | ProgrammeManager, Handler: s.delivery.SendAgain},

		{Method: get, Path: "/console/audit", Access: Auditor, Handler: s.audit.ShowLog, Early: true},
		{Method: post, Path: "/console/audit/check", Access: Auditor, Handler: s.audit.CheckChain, Early: true},
		{Method: get, Path: "/console/audit.csv", Access: Auditor, Handler: s.audit.DownloadLog, Early: true, Long: true},
		{Method: get, Path: "/console/audit/:id", Access: Auditor, Handler: s.audit.ShowEntry, Early: true},

		{Method: get, Path: "/console/ops", Access: Operator, Handler: s.ops.ShowOverview, Early: true},
		{Method: get, Path: ops.SinksPath, Access: Operator, Handler: s.ops.ShowSinks, Early: true},
		{Method: get, Path: ops.SinksPath + "/:id", Access: Operator, Handler: s.ops.ShowSink, Early: true},
		{Method: post, Path: ops.SinksPath + "/:id/enable", Access: Operator, Handler: s.ops.EnableSink, Early: true},
		{Method: post, Path: ops.SinksPath + "/:id/replay", Access: Operator, Handler: s.ops.ReplaySink, Early: true},
		{Method: post, Path: ops.SinksPath + "/:id/send-missed", Access: Operator, Handler: s.ops.SendMissed, Early: true},
		{Method: get, Path: ops.QueuePath, Access: Operator, Handler: s.ops.ShowQueue, Early: true},
		{Method: get, Path: ops.JobsPath, Access: Operator, Handler: s.ops.ShowJobs, Early: true},
		{Method: get, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ShowJobs, Early: true, Quiet: true},
		{Method: post, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ChangeJobs, Early: true},
		{Method: put, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ChangeJobs, Early: true},
		{Method: patch, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ChangeJobs, Early: true},
	}
}

// financeList is every route of finance. Who may do what to which refund is also the service's and the database's to say.
func (s *Consoles) financeList() []Route {
	f := s.finance
	return []Route{
		{Method: get, Path: finance.QueuePath, Access: Finance, Handler: f.ShowQueue},
		{Method: get, Path: finance.QueuePath + "/totals", Access: Finance, Handler: f.ShowTotals, Quiet: true},
		{Method: get, Path: finance.QueuePath + ".csv", Access: Finance, Handler: f.DownloadQueue(refund.CSV), Long: true},
		{Method: get, Path: finance.QueuePath + ".xlsx", Access: Finance, Handler: f.DownloadQueue(refund.XLSX), Long: true},
		{Method: post, Path: finance.QueuePath + "/approve", Access: FinanceApprover, Handler: f.ApproveSelected, Recent: true},
		{Method: get, Path: finance.QueuePath + "/:ref", Access: Finance, Handler: f.ShowRefund},
		{Method: post, Path: finance.QueuePath + "/:ref/review", Access: FinanceClerk, Handler: f.Review, Recent: true},
		{Method: post, Path: finance.QueuePath + "/:ref/approve", Access: FinanceApprover, Handler: f.Approve, Recent: true},
		{Method: post, Path: finance.QueuePath + "/:ref/question", Access: Finance, Handler: f.SendBack},
		{Method: post, Path: finance.QueuePath + "/:ref/decline", Access: Finance, Handler: f.Decline},
		{Method: post, Path: finance.QueuePath + "/:ref/reveal", Access: Finance, Handler: f.RevealAccount, Recent: true},
		{Method: post, Path: finance.QueuePath + "/:ref/again", Access: FinanceReleaser, Handler: f.TryAgain, Recent: true},
		{Method: post, Path: finance.QueuePath + "/:ref/documents", Access: Finance, Handler: f.AttachDocument, Body: document.Body, Long: true},
		{Method: get, Path: finance.QueuePath + "/:ref/documents/:id", Access: Finance, Handler: f.DownloadDocument, Long: true},
		{Method: post, Path: finance.QueuePath + "/:ref/documents/:id/remove", Access: Finance, Handler: f.RemoveDocument},
		{Method: get, Path: finance.TasksPath, Access: Finance, Handler: f.ShowTasks},
		{Method: post, Path: finance.TasksPath + "/:id/done", Access: Finance, Handler: f.FinishTask},

		{Method: get, Path: finance.BatchesPath, Access: Finance, Handler: f.ShowBatches},
		{Method: post, Path: finance.BatchesPath, Access: FinanceClerk | FinanceApprover, Handler: f.CreateBatch},
		{Method: get, Path: finance.BatchesPath + "/new", Access: FinanceClerk | FinanceApprover, Handler: f.ShowChoice},
		{Method: get, Path: finance.BatchesPath + "/:id", Access: Finance, Handler: f.ShowBatch},
		{Method: get, Path: finance.BatchesPath + "/:id/file", Access: FinanceReleaser, Handler: f.DownloadBatch, Long: true, Recent: true},
		{Method: post, Path: finance.BatchesPath + "/:id/release", Access: FinanceReleaser, Handler: f.ReleaseBatch, Recent: true},
		{Method: post, Path: finance.BatchesPath + "/:id/discard", Access: Finance, Handler: f.DiscardBatch},

		{Method: get, Path: finance.BankPath, Access: Finance, Handler: f.ShowImports},
		{Method: post, Path: finance.BankPath, Access: Finance, Handler: f.TakeImport, Body: finance.ImportBody, Long: true, Recent: true},
		{Method: get, Path: finance.BankPath + "/:id", Access: Finance, Handler: f.ShowImport},
		{Method: post, Path: finance.BankPath + "/:id/lines/:line/match", Access: Finance, Handler: f.MatchLine, Recent: true},
		{Method: post, Path: finance.BankPath + "/:id/lines/:line/settle", Access: Finance, Handler: f.SettleLine, Recent: true},
		{Method: post, Path: finance.BankPath + "/:id/lines/:line/reopen", Access: Finance, Handler: f.ReopenLine},

		{Method: get, Path: finance.ReportsPath, Access: Finance, Handler: f.ShowReports},
		{Method: get, Path: finance.ReportsPath + ".csv", Access: Finance, Handler: f.DownloadReport(refund.CSV), Long: true},
		{Method: get, Path: finance.ReportsPath + ".xlsx", Access: Finance, Handler: f.DownloadReport(refund.XLSX), Long: true},
	}
}

// planList is every route of the company's plan. All staff read it; who may change an item is also the service's to say.
func (s *Consoles) planList() []Route {
	p := s.plans
	const plan = workspace.Path + "/:plan"
	return []Route{
		{Method: get, Path: workspace.Path, Access: Staff, Handler: p.Show},
		{Method: post, Path: workspace.Path, Access: ProgrammeManager, Handler: p.Start},
		{Method: post, Path: workspace.Path + "/change", Access: ProgrammeManager, Handler: p.Change},
		{Method: post, Path: workspace.Path + "/hand-over", Access: ProgrammeManager, Handler: p.HandOver},
		{Method: get, Path: plan, Access: Staff, Handler: p.ShowPlan},
		{Method: post, Path: plan + "/phases/:phase/open", Access: ProgrammeManager, Handler: p.OpenGate, Recent: true},
		{Method: post, Path: plan + "/phases/:phase/reopen", Access: ProgrammeManager, Handler: p.Reopen},
		{Method: post, Path: plan + "/phases/:phase/replan", Access: ProgrammeManager, Handler: p.Replan},
		{Method: post, Path: plan + "/phases/:phase/facts/:fact/waive", Access: ProgrammeManager, Handler: p.WaiveFact},
		{Method: post, Path: plan + "/waivers/:id/agree", Access: ProgrammeManager, Handler: p.AgreeWaiver, Recent: true},
		{Method: post, Path: plan + "/waivers/:id/end", Access: ProgrammeManager, Handler: p.EndWaiver},
		{Method: get, Path: plan + "/items", Access: Staff, Handler: p.ShowItems},
		{Method: get, Path: plan + "/items/:key", Access: Staff, Handler: p.ShowItem},
		{Method: post, Path: plan + "/items/:key/done", Access: Staff, Handler: p.FinishItem},
		{Method: post, Path: plan + "/items/:key/reopen", Access: Staff, Handler: p.ReopenItem},
		{Method: post, Path: plan + "/items/:key/assign", Access: Staff, Handler: p.AssignItem},
		{Method: post, Path: plan + "/items/:key/comment", Access: Staff, Handler: p.CommentItem},
		{Method: post, Path: plan + "/items/:key/waive", Access: ProgrammeManager, Handler: p.WaiveItem},
	}
}

// applicationList is every route of the application report. All staff read it; programme managers write it.
func (s *Consoles) applicationList() []Route {
	p := s.report
	return []Route{
		{Method: get, Path: app.Path, Access: Staff, Handler: p.Show},
		{Method: get, Path: app.Path + "/application.docx", Access: Staff, Handler: p.DownloadDOCX},
		{Method: get, Path: app.Path + "/application.xlsx", Access: Staff, Handler: p.DownloadXLSX},
		{Method: get, Path: app.Path + "/write", Access: ProgrammeManager, Handler: p.ShowWrite},
		{Method: post, Path: app.Path + "/write", Access: ProgrammeManager, Handler: p.Write, Body: paperBody},
		{Method: get, Path: app.Path + "/tables/:key", Access: ProgrammeManager, Handler: p.ShowTable},
		{Method: post, Path: app.Path + "/tables/:key", Access: ProgrammeManager, Handler: p.Enter},
		{Method: post, Path: app.Path + "/submit", Access: ProgrammeManager, Handler: p.Submit},
	}
}

// riskList is every route of the register of risks. All staff read it; who may change a risk is also the service's to say.
func (s *Consoles) riskList() []Route {
	p := s.risks
	const one = risks.Path + "/:id"
	return []Route{
		{Method: get, Path: risks.Path, Access: Staff, Handler: p.Show},
		{Method: get, Path: risks.Path + "/new", Access: ProgrammeManager, Handler: p.New},
		{Method: post, Path: risks.Path + "/new", Access: ProgrammeManager, Handler: p.Create},
		{Method: get, Path: one, Access: Staff, Handler: p.ShowRisk},
		{Method: post, Path: one + "/edit", Access: Staff, Handler: p.Edit},
		{Method: post, Path: one + "/close", Access: Staff, Handler: p.Close},
		{Method: post, Path: one + "/reopen", Access: Staff, Handler: p.Reopen},
	}
}

// overviewList is every route of the manager's overview. A look at customers' rows is recorded.
func (s *Consoles) overviewList() []Route {
	p := s.overview
	return []Route{
		{Method: get, Path: overview.Path, Access: ProgrammeManager, Handler: p.Show},
		{Method: get, Path: overview.Path + "/funnel.csv", Access: ProgrammeManager, Handler: p.DownloadFunnel},
		{Method: get, Path: overview.Path + "/days.csv", Access: ProgrammeManager, Handler: p.DownloadDays},
		{Method: get, Path: overview.CustomersPath, Access: ProgrammeManager, Handler: p.ShowCustomers},
	}
}

// paperBody is room for a paper of the greatest length, in any script.
const paperBody = 512 << 10

// approvalList is every route of papers that people decide about. All staff read them; who may decide is the service's to say, and the
// database's.
func (s *Consoles) approvalList() []Route {
	p := s.approval
	const paper = approvals.Path + "/:id"
	return []Route{
		{Method: get, Path: approvals.Path, Access: Staff, Handler: p.Show},
		{Method: get, Path: approvals.Path + "/new", Access: ProgrammeManager, Handler: p.New},
		{Method: post, Path: approvals.Path + "/new", Access: ProgrammeManager, Handler: p.Create, Body: paperBody},
		{Method: get, Path: approvals.DelegatesPath, Access: Staff, Handler: p.ShowDelegates},
		{Method: post, Path: approvals.DelegatesPath, Access: Staff, Handler: p.Delegate, Recent: true},
		{Method: post, Path: approvals.DelegatesPath + "/:id/end", Access: Staff, Handler: p.EndDelegation},
		{Method: get, Path: approvals.PathsPath, Access: Staff, Handler: p.ShowPaths},
		{Method: post, Path: approvals.PathsPath, Access: ProgrammeManager, Handler: p.AddPath, Recent: true},
		{Method: get, Path: paper, Access: Staff, Handler: p.ShowPaper},
		{Method: get, Path: paper + "/record", Access: Staff, Handler: p.ShowRecord},
		{Method: get, Path: paper + "/edit", Access: ProgrammeManager, Handler: p.ShowEdit},
		{Method: post, Path: paper + "/edit", Access: ProgrammeManager, Handler: p.Edit, Body: paperBody},
		{Method: post, Path: paper + "/submit", Access: ProgrammeManager, Handler: p.Submit},
		{Method: post, Path: paper + "/decide", Access: Staff, Handler: p.Decide, Recent: true},
		{Method: post, Path: paper + "/withdraw", Access: ProgrammeManager, Handler: p.Withdraw},
		{Method: post, Path: paper + "/talks", Access: Staff, Handler: p.Discuss},
		{Method: post, Path: paper + "/replace", Access: ProgrammeManager, Handler: p.Replace, Recent: true},
	}
}

// briefingList is every route of what colleagues read before anybody else is told. All staff read and acknowledge it.
func (s *Consoles) briefingList() []Route {
	p := s.briefing
	return []Route{
		{Method: get, Path: briefing.Path, Access: Staff, Handler: p.Show},
		{Method: get, Path: briefing.RolePath, Access: Staff, Handler: p.ShowRolePlay},
		{Method: post, Path: briefing.Path + "/acknowledge", Access: Staff, Handler: p.Acknowledge},
		{Method: post, Path: briefing.Path + "/approve", Access: ProgrammeManager, Handler: p.Approve},
		{Method: get, Path: briefing.ReadersPath, Access: ProgrammeManager, Handler: p.ShowReaders},
		{Method: post, Path: briefing.ReadersPath + "/remind", Access: ProgrammeManager, Handler: p.Remind},
		{Method: post, Path: briefing.ReadersPath + "/waive", Access: ProgrammeManager, Handler: p.AskWaiver},
		{Method: post, Path: briefing.ReadersPath + "/confirm", Access: ProgrammeManager, Handler: p.ConfirmWaiver, Recent: true},
		{Method: post, Path: briefing.ReadersPath + "/refuse", Access: ProgrammeManager, Handler: p.RefuseWaiver},
	}
}

// feedbackList is every route of what customers say once they are calm. Nobody signs in to the form: its link says whose it is.
func (s *Consoles) feedbackList() []Route {
	p := s.feedback
	return []Route{
		{Method: get, Path: feedback.FormPath, Access: Public, Handler: p.Show},
		{Method: post, Path: feedback.FormPath, Access: Public, Handler: p.Answer},
		{Method: get, Path: feedback.Path, Access: ProgrammeManager, Handler: p.ShowResults},
		{Method: get, Path: feedback.Path + ".csv", Access: ProgrammeManager, Handler: p.DownloadCSV},
		{Method: get, Path: feedback.Path + ".xlsx", Access: ProgrammeManager, Handler: p.DownloadXLSX},
		{Method: get, Path: feedback.WaitingPath, Access: ProgrammeManager, Handler: p.ShowWaiting},
	}
}
