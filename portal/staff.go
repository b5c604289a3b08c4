package portal

import (
	"context"
	"log/slog"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/replacement"
	"offramp/portal/audit"
	"offramp/portal/console"
	"offramp/portal/manager"
	"offramp/portal/ops"
	"offramp/portal/page"
	"offramp/portal/support"
)

// Consoles are the pages of staff.
type Consoles struct {
	arrive  *console.Pages
	support *support.Pages
	manager *manager.Pages
	audit   *audit.Pages
	ops     *ops.Pages
}

// ConsoleParts are the services behind the pages of staff.
type ConsoleParts struct {
	DB         *db.DB
	Customers  *migration.Service
	Programmes *migration.Programmes
	Exports    *export.Service
	Help       *assistance.Service
	Queue      *jobs.Client // which may only insert
	Log        *slog.Logger
	Choices    *replacement.Service
}

// NewConsoles builds the pages of staff.
func NewConsoles(k *page.Kit, p ConsoleParts) (*Consoles, error) {
	operations, err := ops.New(k, p.DB, p.Exports, p.Queue, p.Log)
	if err != nil {
		return nil, err
	}
	return &Consoles{
		arrive:  &console.Pages{Kit: k},
		support: &support.Pages{Kit: k, Customers: p.Customers, Exports: p.Exports, Help: p.Help, Choices: p.Choices},
		manager: &manager.Pages{Kit: k, Programmes: p.Programmes, Customers: p.Customers, Choices: p.Choices},
		audit:   &audit.Pages{Kit: k, Log: audit.NewLog(p.DB), Customers: p.Customers},
		ops:     operations,
	}, nil
}

// Start keeps what the consoles' figures are made from fresh, until ctx ends.
func (s *Consoles) Start(ctx context.Context) error { return s.ops.Start(ctx) }

// list is every route of staff. A look at customers' rows is recorded, also by GET (ADR 0004).
func (s *Consoles) list() []Route {
	return []Route{
		{Method: get, Path: "/console", Access: Staff, Handler: s.arrive.Arrive, Early: true},

		{Method: get, Path: "/console/support", Access: Support, Handler: s.support.ShowDesk},
		{Method: get, Path: "/console/support/customers/:id", Access: Support, Handler: s.support.ShowCustomer},
		{Method: post, Path: "/console/support/customers/:id/reveal", Access: Support, Handler: s.support.RevealContact},
		{Method: post, Path: "/console/support/exports/:id/retry", Access: Support, Handler: s.support.RetryExport},
		{Method: post, Path: "/console/support/exports/:id/cancel", Access: Support, Handler: s.support.CancelExport},
		{Method: get, Path: "/console/support/help/:id", Access: Support, Handler: s.support.ShowRequest},
		{Method: post, Path: "/console/support/help/:id/answer", Access: Support, Handler: s.support.AnswerRequest},

		{Method: get, Path: "/console/programme", Access: ProgrammeManager, Handler: s.manager.ShowProgramme, Early: true},
		{Method: get, Path: "/console/programme/replacements", Access: ProgrammeManager, Handler: s.manager.ShowReplacements},
		{Method: get, Path: "/console/programme/:id", Access: ProgrammeManager, Handler: s.manager.ShowVersion, Early: true},
		{Method: get, Path: "/console/programme/:id/source", Access: ProgrammeManager, Handler: s.manager.DownloadSource, Early: true},
		{Method: post, Path: "/console/programme/:id/approve", Access: ProgrammeManager, Handler: s.manager.Approve, Early: true},
		{Method: post, Path: "/console/programme/:id/withdraw", Access: ProgrammeManager, Handler: s.manager.Withdraw, Early: true},

		{Method: get, Path: "/console/audit", Access: Auditor, Handler: s.audit.ShowLog, Early: true},
		{Method: post, Path: "/console/audit/check", Access: Auditor, Handler: s.audit.CheckChain, Early: true},
		{Method: get, Path: "/console/audit/:id", Access: Auditor, Handler: s.audit.ShowEntry, Early: true},

		{Method: get, Path: "/console/ops", Access: Operator, Handler: s.ops.ShowOverview, Early: true},
		{Method: get, Path: ops.JobsPath, Access: Operator, Handler: s.ops.ShowJobs, Early: true},
		{Method: get, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ShowJobs, Early: true, Quiet: true},
		{Method: post, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ChangeJobs, Early: true},
		{Method: put, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ChangeJobs, Early: true},
		{Method: patch, Path: ops.JobsPath + "/*", Access: Operator, Handler: s.ops.ChangeJobs, Early: true},
	}
}
