package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"riverqueue.com/riverui"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/jobs"
	"offramp/migration/refund"
	"offramp/portal/page"
)

// JobsPath is where River's pages live, QueuePath our page around them.
const (
	JobsPath  = "/console/ops/jobs"
	QueuePath = "/console/ops/queue"
)

// maxChange bounds what River's pages send with a change: the numbers of some thousand jobs.
const maxChange = 64 << 10

// riverPages builds River's pages on the queue that client inserts into. Arguments of jobs, which name customers, stay folded.
func riverPages(client *jobs.Client, log *slog.Logger) (*riverui.Handler, error) {
	handler, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(client.River(), nil), Logger: log, Prefix: JobsPath, JobListHideArgsByDefault: true,
	})
	if err != nil {
		return nil, fmt.Errorf("build River's pages: %w", err)
	}
	return handler, nil
}

// policy is the portal's own but for style sheets: River's pages write one of theirs from script,
// and for being framed by a page of ours. Scripts stay as strict.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"

// framing is the portal's own policy but for the frame with River's pages.
const framing = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ShowJobs answers with River's pages and what they read. Their first page ends with a slash, as none of ours does.
func (p *Pages) ShowJobs(c echo.Context) error {
	r := c.Request()
	if r.URL.Path == JobsPath {
		r = r.Clone(r.Context())
		r.URL.Path += "/"
	}
	c.Response().Header().Set("Content-Security-Policy", policy)
	c.Response().Header().Set("X-Frame-Options", "SAMEORIGIN")
	p.river.ServeHTTP(c.Response(), r)
	return nil
}

// ChangeJobs lets River's pages retry, cancel or delete jobs and pause queues. It is recorded before it happens; what
// cannot be recorded does not happen.
func (p *Pages) ChangeJobs(c echo.Context) error {
	r := c.Request()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxChange+1))
	if err != nil {
		return fmt.Errorf("read a change to the queue: %w", err)
	}
	if len(body) > maxChange {
		return page.Refuse(http.StatusRequestEntityTooLarge)
	}
	if queue, _, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, JobsPath+"/api/queues/"), "/"); ok && queue == refund.PayoutQueue || r.URL.Path == JobsPath+"/api/queues/"+refund.PayoutQueue {
		return errPayouts
	}
	if err := p.mayTouch(r.Context(), body); err != nil {
		return err
	}
	if err := p.record(r.Context(), page.Of(c).Session.IdentityID, r.Method, strings.TrimPrefix(r.URL.Path, JobsPath+"/api/"), body); err != nil {
		return err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	p.river.ServeHTTP(c.Response(), r)
	return nil
}

// errPayouts keeps operators from the jobs that move money: to try one again, or to drop one, is finance's to decide.
var errPayouts = fault.New(fault.Forbidden, "ops.payouts")

// mayTouch refuses a change to jobs of the payout queue, and one whose jobs cannot be told: River might read it more leniently.
func (p *Pages) mayTouch(ctx context.Context, body []byte) error {
	var change struct {
		IDs []json.Number `json:"ids"`
	}
	if len(body) == 0 {
		return nil
	}
	if json.Unmarshal(body, &change) != nil {
		return page.ErrForm
	}
	if len(change.IDs) == 0 {
		return nil // names no jobs; what it names otherwise is River's to judge
	}
	ids := make([]int64, 0, len(change.IDs))
	for _, text := range change.IDs {
		id, err := strconv.ParseInt(text.String(), 10, 64)
		if err != nil {
			return page.ErrForm
		}
		ids = append(ids, id)
	}
	var touched bool
	const sql = `SELECT EXISTS (SELECT FROM river_job WHERE id = ANY($1) AND queue = $2)`
	if err := p.db.Pool.QueryRow(ctx, sql, ids, refund.PayoutQueue).Scan(&touched); err != nil {
		return fmt.Errorf("look up the jobs to change: %w", err)
	}
	if touched {
		return errPayouts
	}
	return nil
}

// record writes who changed what of the queue. A body that is no JSON is River's to refuse.
func (p *Pages) record(ctx context.Context, staffID, method, object string, body []byte) error {
	detail := map[string]any{"method": method}
	if json.Valid(body) {
		detail["change"] = json.RawMessage(body)
	}
	return p.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Actor: staffID, ActorKind: audit.Staff, Act: "queue.change", Object: "queue " + object, Detail: detail})
	})
}
