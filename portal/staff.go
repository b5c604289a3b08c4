package portal

import (
	"offramp/export"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/portal/audit"
	"offramp/portal/console"
	"offramp/portal/manager"
	"offramp/portal/page"
	"offramp/portal/support"
)

// Consoles are the pages of staff.
type Consoles struct {
	arrive  *console.Pages
	support *support.Pages
	manager *manager.Pages
	audit   *audit.Pages
}

// NewConsoles builds the pages of staff on the services behind them.
func NewConsoles(k *page.Kit, d *db.DB, customers *migration.Service, programmes *migration.Programmes, exports *export.Service) *Consoles {
	return &Consoles{
		arrive:  &console.Pages{Kit: k},
		support: &support.Pages{Kit: k, Customers: customers, Exports: exports},
		manager: &manager.Pages{Kit: k, Programmes: programmes, Customers: customers},
		audit:   &audit.Pages{Kit: k, Log: audit.NewLog(d), Customers: customers},
	}
}

// list is every route of staff. A look at customers' rows is recorded, also by GET (ADR 0004).
func (s *Consoles) list() []Route {
	return []Route{
		{Method: get, Path: "/console", Access: Staff, Handler: s.arrive.Arrive, Early: true},

		{Method: get, Path: "/console/support", Access: Support, Handler: s.support.ShowDesk},
		{Method: get, Path: "/console/support/customers/:id", Access: Support, Handler: s.support.ShowCustomer},
		{Method: post, Path: "/console/support/customers/:id/reveal", Access: Support, Handler: s.support.RevealContact},
		{Method: post, Path: "/console/support/exports/:id/retry", Access: Support, Handler: s.support.RetryExport},

		{Method: get, Path: "/console/programme", Access: ProgrammeManager, Handler: s.manager.ShowProgramme, Early: true},
		{Method: get, Path: "/console/programme/:id", Access: ProgrammeManager, Handler: s.manager.ShowVersion, Early: true},
		{Method: get, Path: "/console/programme/:id/source", Access: ProgrammeManager, Handler: s.manager.DownloadSource, Early: true},
		{Method: post, Path: "/console/programme/:id/approve", Access: ProgrammeManager, Handler: s.manager.Approve, Early: true},
		{Method: post, Path: "/console/programme/:id/withdraw", Access: ProgrammeManager, Handler: s.manager.Withdraw, Early: true},

		{Method: get, Path: "/console/audit", Access: Auditor, Handler: s.audit.ShowLog, Early: true},
		{Method: post, Path: "/console/audit/check", Access: Auditor, Handler: s.audit.CheckChain, Early: true},
		{Method: get, Path: "/console/audit/:id", Access: Auditor, Handler: s.audit.ShowEntry, Early: true},
	}
}
