package schema

import (
	"fmt"
	"slices"
	"strings"
)

// The roles that an installation's own roles are members of. None of them can sign in itself.
const (
	ServeRole = "offramp_serve" // the web side: offramp serve
	WorkRole  = "offramp_work"  // the workers and the operator's commands: offramp work, apply, import, ...
	BothRole  = "offramp_app"   // what both may, and what releases before this one needed: for installations that have not parted them
)

// Roles lists them in a fixed order.
var Roles = []string{ServeRole, WorkRole, BothRole}

// TableRights is what the roles may do with a table, a view or a sequence. Rights are written as in GRANT, with columns where a
// verb is not for the whole table: "select, insert, update (state, seen_at)". A sequence knows "usage" alone. BothRole may what
// either of the others may.
type TableRights struct {
	Table string
	Serve string // ServeRole
	Work  string // WorkRole
	Older string // what BothRole may besides, since an older release needs it
}

// phoneColumns are what changes about a number once it is known.
const phoneColumns = "update (number, origin, confirmed_at, consent_at, withdrawn_at, blocked_at, blocked_for, changed_at)"

// Meant is every right of the application's roles, and the only place where they are given: each run of the schema command
// brings the database to it, the doctor compares the database with it, and a test tries every verb as every role. Whatever is
// not here is forbidden; a table that is not here fails the tests and is given to nobody.
var Meant = []TableRights{
	// The programme and its customers.
	{Table: "installation", Serve: "select", Work: "select"},
	{Table: "programme_version", Serve: "select, " + approvalColumns, Work: "select, insert, " + approvalColumns},
	{Table: "customer", Serve: "select, update", Work: "select, insert, update"},
	{Table: "contact", Serve: "select, insert, update", Work: "select, insert, update"},
	{Table: "extension", Serve: "select, insert, update", Work: "select, insert, update"},
	{Table: "journey", Serve: "select, insert, update", Work: "select, insert, update"},
	{Table: "journey_event", Serve: "select, insert", Work: "select, insert"},
	// Counts of journeys. Triggers write deltas, whoever takes the step; a worker folds them.
	{Table: "journey_delta", Serve: "select", Work: "select, delete"},
	{Table: "journey_rollup", Serve: "select", Work: "select, insert, update"},
	{Table: "journey_rollup_day", Serve: "select", Work: "select, insert, update"},
	{Table: "journey_rollup_state", Serve: "select", Work: "select, update"},
	{Table: "customer_status", Serve: "select", Work: "select"},
	{Table: "help_request", Serve: "select, insert, update", Work: "select, update (priority, due_at, snoozed_until, escalated_at, said)"},
	{Table: "help_entry", Serve: "select, insert", Work: "select, insert"},
	{Table: "help_round", Serve: "select, insert, update (answered_at, answer_seconds, ended_at, resolve_seconds)", Work: "select"},
	{Table: "help_presence", Serve: "select, insert, update (writing, seen_at)", Work: "select, delete"},
	{Table: "help_number", Serve: "usage"},

	// What customers are found by. Nobody reads the index but through its functions.
	{Table: "customer_search"},
	{Table: "customer_search_stale", Serve: "select, insert, update, delete", Work: "select, insert, update, delete"},

	// Who signs in. A worker sweeps what is past, and learns no secret.
	{Table: "identity", Serve: "select, " + identityColumns, Work: "select"},
	{
		Table: "person_change",
		Serve: "select, insert, update (state, decided_by, decided_at)", Work: "select, insert, update (state, decided_by, decided_at)",
	},
	{Table: "address_confirmation", Serve: "select, insert, update (used_at)"},

	// Numbers. A code is made by the web side, which does not read it again, and sent by a worker.
	{Table: "contact_phone", Serve: "select, insert, " + phoneColumns, Work: "select, insert, " + phoneColumns},
	{Table: "reader_topic", Serve: "select, insert, update (wants, changed_by, changed_at)", Work: "select"},
	{Table: "sms_consent", Serve: "select, insert", Work: "select, insert"},
	{
		Table: "phone_code",
		Serve: "select (id, customer_id, contact_id, number, hash, locale, words, tries, state, detail, created_at, expires_at, used_at), insert, update (tries, state, detail, used_at)",
		Work:  "select, update (code, state, detail)",
	},
	{Table: "invitation", Serve: "select, insert, update", Work: "select (token_hash, customer_id, contact_id, expires_at, used_at)"},
	{Table: "sign_in", Serve: "select, insert, delete", Work: "select (expires_at), delete"},
	{Table: "session", Serve: "select, insert, update (seen_at, ended_at, id_token)", Work: "select, update (ended_at, id_token), delete", Older: "delete"},
	{Table: "logout_token", Serve: "select, insert", Work: "select, delete", Older: "delete"},
	{Table: "rate_limit", Serve: "select, insert, update", Work: "select (until), delete"},
	{Table: "calendar_feed", Serve: "select, insert, update, delete"},

	// The company's plan. The web side writes what people do; a worker ticks what facts say. Days, gates' openings and history are
	// only added.
	{
		Table: "governance_plan",
		Serve: "select, insert, update (state, ended_by, ended_at)",
		Work:  "select",
	},
	{Table: "governance_phase", Serve: "select, insert", Work: "select"},
	{Table: "governance_day", Serve: "select, insert"},
	{Table: "governance_gate", Serve: "select, insert, update (shut_by, shut_at, reason)", Work: "select"},
	{
		Table: "governance_item",
		Serve: "select, insert, update (owner, due_day, state, note, link, ended_by, ended_at, version)",
		Work:  "select, update (owner, state, ended_at, version)",
	},
	{Table: "governance_waiver", Serve: "select, insert, update (agreed_by, agreed_at, ended_by, ended_at)", Work: "select"},
	{Table: "governance_entry", Serve: "select, insert", Work: "select, insert"},

	// Risks. The web side writes what people do; a worker tells owners. History is only added.
	{
		Table: "risk",
		Serve: "select, insert, update (title, class, likelihood, impact, plan, sign, owner, review_on, state, evidence, proof, version)",
		Work:  "select",
	},
	{Table: "risk_entry", Serve: "select, insert"},

	// Papers that people decide about. The web side writes what people do; a worker reminds them, and sends what both ask for.
	{Table: "approval_path", Serve: "select, insert", Work: "select"},
	{
		Table: "approval_paper",
		Serve: "select, insert, update (kind, title, body, budget, currency, state, round, version, changed_by, changed_at)", Work: "select",
	},
	{Table: "approval_round", Serve: "select, insert, update (state, ended_at, why)", Work: "select"},
	{Table: "approval_node", Serve: "select, insert, update (state, opened_at, due_at)", Work: "select, update (reminded_at, escalated_at)"},
	{Table: "approval_seat", Serve: "select, insert, update (state, decided_by, words, hash, at)", Work: "select"},
	{Table: "approval_delegate", Serve: "select, insert, update (ended_at)", Work: "select"},
	{Table: "approval_talk", Serve: "select, insert", Work: "select"},
	{Table: "figure", Serve: "select", Work: "select, insert, delete"},
	{Table: "figure_weekly", Serve: "select, update (state, note, decided_by, decided_at)", Work: "select, insert"},
	{Table: "figure_count", Serve: "select", Work: "select, insert, update (at, took_ms)"},
	{
		Table: "application_report",
		Serve: "select, insert, update (title, background, feasibility, timetable, resources, benefit, budget, currency, locale, version, paper_id, changed_by, changed_at)", Work: "select",
	},
	{Table: "application_table", Serve: "select, insert, update (lines, source, day, version, changed_by, changed_at)", Work: "select"},
	{Table: "staff_mail", Serve: "select, insert", Work: "select, insert, update (state, problem, taken_at, ended_at)"},

	// Notices. The web side approves, pauses, and ends calls; a worker plans and sends.
	{Table: "notice_approval", Serve: "select, insert", Work: "select"},
	{Table: "notice_correction", Serve: "select, insert, update (replaced_by)", Work: "select, insert, update (replaced_by, planned_at)"},
	{
		Table: "notice_control",
		Serve: "select, insert, update (paused, reason, rate, changed_by, changed_at)",
		Work:  "select, insert, update (paused, reason, rate, changed_by, changed_at)",
	},
	{
		Table: "notice_message", Serve: "select",
		Work: "select, insert, update (state, channel, next_at, leased_until, reason, sent_at, hash)",
	},
	{
		Table: "notice_delivery", Serve: "select, update (state, detail, ended_at, until, again_by, followed, opened)",
		Work: "select, insert, update (state, attempts, detail, subject, body_hash, locale, body, days, started_at, ended_at, mail_id, until, again_by, gateway_id, visit)",
	},
	{Table: "notice_click", Serve: "select, insert, update (verdict, why)"},
	{
		Table: "notice_call",
		Serve: "select, insert, update (owner, state, outcome, note, asked_by, ended_by, ended_at, days, attempts, due_day)", Work: "select, insert",
	},
	{Table: "notice_waiver", Serve: "select, insert, update (reason, asked_by, asked_at, confirmed_by, confirmed_at), delete", Work: "select"},
	{Table: "notice_unreached", Serve: "select", Work: "select"},
	{Table: "service_end", Serve: "select, insert, update (declared_by, declared_at, withdrawn_by, withdrawn_at)"},
	{
		Table: "notice_suppression",
		Serve: "select, insert, update (cause, evidence, mail_id, at, lifted_by, lifted_at, address)",
		Work:  "select, insert, update (cause, evidence, mail_id, at, lifted_by, lifted_at, address)",
	},
	// Reports come by a webhook to the web side, and by mail to a worker. People ask for test mails, which a worker sends.
	{Table: "notice_fact", Serve: "select, insert", Work: "select, insert"},
	{Table: "notice_report_seen", Serve: "select, insert", Work: "select, insert, delete"},
	{Table: "notice_report_count", Serve: "select, insert, update (count)", Work: "select, insert, update (count)"},
	{Table: "notice_mailbox", Serve: "select", Work: "select, insert, update (validity, uid, leased_until, looked_at, problem)"},
	{Table: "notice_probe", Serve: "select, insert, update (state, detail, ended_at)", Work: "select, update (state, detail, ended_at)"},
	{Table: "notice_trial", Serve: "select, insert", Work: "select, update (state, detail, html, plain, ended_at)"},
	// Colleagues read the briefing and say so; a worker reminds them, and plans nothing before.
	{Table: "notice_briefing_read", Serve: "select, insert", Work: "select"},
	{
		Table: "notice_briefing_waiver",
		Serve: "select, insert (hash, reason, asked_by, asked_at), update (reason, asked_by, asked_at, confirmed_by, confirmed_at), delete", Work: "select",
	},
	{
		Table: "notice_briefing_reminder",
		Serve: "select, insert (id, identity_id, hash, day, asked_by, asked_at)", Work: "select, update (state, detail, ended_at)",
	},
	// A worker asks for feedback; people answer on the web side, which writes anonymous answers in another order again.
	{
		Table: "feedback_invitation",
		Serve: "select, update (draft, answered)", Work: "select, insert, update (token_hash, anonymous, mail_id, state, detail, tries, invited_at, ended_at, draft)",
	},
	{Table: "feedback_answer", Serve: "select, insert, delete"},
	{Table: "notice_preference", Serve: "select, insert, update (optional, changed_at)", Work: "select"},

	// Exports. The web side asks for them, a worker builds them.
	{Table: "export", Serve: "select, insert, update", Work: "select, update"},
	{Table: "export_number", Serve: "usage"},
	{Table: "export_object", Serve: "select, update (deleted_at, state)", Work: "select, insert, update"},
	{Table: "export_volume", Serve: "select", Work: "select, insert, update, delete"},
	{Table: "export_password", Serve: "select (export_id, customer_id), insert, delete", Work: "select, delete"},
	{Table: "export_hold", Serve: "select", Work: "select, insert, update, delete"},
	{Table: "export_download", Serve: "select, insert", Work: "select"},
	{Table: "export_outline", Serve: "select, insert, update", Work: "select, insert, update"},
	{Table: "export_token", Serve: "select, insert, update (used_at, revoked_at)", Work: "select, update (revoked_at)"},
	{Table: "export_delivery", Serve: "select, insert, update", Work: "select, update"},
	{Table: "export_delivery_volume", Serve: "select", Work: "select, insert"},
	{Table: "source_pace", Serve: "select", Work: "select, insert, update"},

	// Replacements. What is counted a worker counts.
	{Table: "feature_usage", Serve: "select", Work: "select, insert, update, delete"},
	{Table: "feature_count", Serve: "select", Work: "select, insert, update, delete"},
	{Table: "feature_counting", Work: "select, insert, delete"},
	{Table: "feature_request", Serve: "select, insert, update", Work: "select, insert, update"},
	{Table: "replacement_choice", Serve: "select, insert, update (state, reason, changed_at)", Work: "select, insert, update (state, reason, changed_at)"},
	{Table: "offer_code", Serve: "select, update (customer_id, drawn_at, reminded_at)", Work: "select, insert, update (customer_id, drawn_at, reminded_at)"},
	{Table: "offer_waiting", Serve: "select, insert, update, delete", Work: "select, insert, update, delete"},
	{Table: "offer_notice", Serve: "select", Work: "select, insert"},
	{Table: "hand_over", Serve: "select, insert, update (redeemed_at)", Work: "select"},
	{Table: "replacement_report", Serve: "select, insert", Work: "select, delete", Older: "delete"},
	{Table: "guide_tick", Serve: "select, insert, update", Work: "select"},

	// Payments come from imports alone.
	{Table: "entitlement_import", Serve: "select", Work: "select, insert, update (finished_at, read, created, updated, refused)"},
	{Table: "entitlement", Serve: "select, update (due, programme, due_at)", Work: "select, insert, update"},
	{Table: "payment", Serve: "select", Work: "select, insert, update"},

	// Refunds. People decide on the web side, a worker pays.
	{Table: "refund", Serve: "select, insert, update", Work: "select, update"},
	{Table: "refund_number", Serve: "usage"},
	{Table: "refund_decision", Serve: "select, insert", Work: "select, insert"},
	{Table: "refund_event", Serve: "select, insert", Work: "select, insert"},
	{Table: "refund_payment", Serve: "select, insert, update (live, settled)", Work: "select, update (live, settled)"},
	{Table: "refund_draft", Serve: "select, insert, update, delete", Work: "select, delete"},
	{Table: "refund_total", Serve: "select, insert", Work: "select, insert, delete"},
	{Table: "refund_document", Serve: "select, insert, update (size, sha256, attached_at, remover, removed_at)", Work: "select, update (purged_at, scan, scan_found, scanned_at), delete"},
	{Table: "refund_task", Serve: "select, insert, update (done_by, done_at, note)", Work: "select, insert, update (done_by, done_at, note)"},
	{Table: "ledger_entry", Serve: "select, insert", Work: "select, insert"},
	{Table: "ledger_posting", Serve: "select, insert", Work: "select, insert"},
	{Table: "ledger_figure", Serve: "select, insert", Work: "select, insert, delete"},
	{Table: "payout_attempt", Serve: "select, " + attemptColumns, Work: "select, " + attemptColumns, Older: "insert"}, // planned by payout_plan alone
	{Table: "batch_number", Serve: "usage"},
	{Table: "batch", Serve: "select, insert, update (state, count, control, sha256, size, released_by, released_at, dropped)", Work: "select"},
	{Table: "batch_file", Serve: "select, insert, update (bytes)"},
	{Table: "batch_item", Serve: "select, insert, update (dropped, live)", Work: "select, update (dropped, live)"},
	{Table: "provider_event", Serve: "select, insert", Work: "select, insert, update (processed_at)"},
	{Table: "bank_import", Serve: "select, insert"},
	{Table: "bank_result", Serve: "select, insert, update (queue, refund_id, expected, settled_by, settled_at, note, batch_id)", Work: "select"},
	{Table: "bank_passed", Serve: "select, insert", Work: "select"},

	// Erasure. People ask and agree on the web side; a worker orders, erases and certifies, by erasure_step alone.
	{Table: "erasure_rule", Serve: "select", Work: "select"},
	{Table: "erasure_key"}, // nobody's
	{Table: "erasure_hold", Serve: "select, insert, update (ended_by, ended_at, ended_for)", Work: "select"},
	{Table: "erasure_request", Serve: "select, insert, update (state, ended_at)", Work: "select, update (state, ended_at)"},
	{
		Table: "erasure_run", Serve: "select, insert, update (agreed_by, agreed_at, state)", Work: "select, update (state, planned, cursor)",
	},
	{
		Table: "erasure_order", Serve: "select",
		Work: "select, insert, update (state, kept_at, completed_at, keep_until, gone_at, next_at, passes, problem, report, certificate)",
	},

	// Evidence and what is told to others.
	{Table: "audit", Serve: "select, insert", Work: "select, insert"},
	{Table: "audit_head", Serve: "select", Work: "select"},
	{Table: "outbox_event", Serve: "select, insert", Work: "select, insert, update (spread, spread_by)"},
	{Table: "outbox_delivery", Serve: "select, insert, update (state, attempts, next_at, done_at, leased_until)", Work: "select, insert, update"},
	{Table: "sink", Serve: "select, update (disabled_at, reason, failing_since)", Work: "select, insert, update"},
	{Table: "sink_worker", Serve: "select", Work: "select, insert, update, delete"},
	{Table: "programme_sinks", Serve: "select", Work: "select, insert"},

	// The queue's own, and which changes were applied.
	{Table: "river_job", Serve: "select, insert, update", Work: "select, insert, update, delete", Older: "delete"},
	{Table: "river_job_id_seq", Serve: "usage", Work: "usage"},
	{Table: "queue_worker", Serve: "select", Work: "select, insert, delete"},
	{Table: "river_leader", Work: "select, insert, update, delete"},
	{Table: "river_queue", Serve: "select, insert, update", Work: "select, insert, update, delete"},
	{Table: "river_migration", Serve: "select", Work: "select", Older: "insert, update, delete"},
	{Table: "river_notification", Serve: "select, insert", Work: "select, insert, update, delete"},
	{Table: "river_notification_id_seq", Serve: "usage", Work: "usage"},
	{Table: "goose_db_version", Serve: "select", Work: "select"},
}

const approvalColumns = `update (state, approved_by, approved_at, first_approved_by, first_approved_at)`

// identityColumns leave out what is given and taken by functions alone: the roles, and whether somebody is let in. A person becomes
// another contact of the same customer when two are joined.
const identityColumns = `insert (id, realm, issuer, subject, customer_id, contact_id, name, email, created_at, signed_in_at),
	update (contact_id, name, email, locale, signed_in_at)`

const attemptColumns = `update (state, fence, leased_until, provider_refund, failure, code, detail, outcome_amount, outcome_at, called_at, settled_at,
	next_at, looked)`

// right is one verb of a role on a table, or on one column of it.
type right struct{ role, table, verb, column string }

func (r right) String() string {
	if r.column != "" {
		return fmt.Sprintf("%s of %s.%s", r.verb, r.table, r.column)
	}
	return r.verb + " of " + r.table
}

// verbs are those that a right can name.
var verbs = []string{"select", "insert", "update", "delete", "usage"}

// parse reads rights as TableRights writes them.
func parse(table, role, text string) (list []right, err error) {
	for rest := strings.TrimSpace(text); rest != ""; {
		verb := rest
		if i := strings.IndexAny(rest, ",("); i >= 0 {
			verb = rest[:i]
		}
		rest = rest[len(verb):]
		if verb = strings.TrimSpace(verb); !slices.Contains(verbs, verb) {
			return nil, fmt.Errorf("rights of %s on %s: %q is none of %s", role, table, verb, strings.Join(verbs, ", "))
		}
		if !strings.HasPrefix(rest, "(") {
			list = append(list, right{role: role, table: table, verb: verb})
		} else {
			inside, after, ok := strings.Cut(rest[1:], ")")
			if !ok {
				return nil, fmt.Errorf("rights of %s on %s: the columns of %s have no end", role, table, verb)
			}
			for column := range strings.SplitSeq(inside, ",") {
				list = append(list, right{role: role, table: table, verb: verb, column: strings.TrimSpace(column)})
			}
			rest = after
		}
		rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), ","))
	}
	return list, nil
}

// meant lists every right of the table above.
func meant() (map[right]bool, error) {
	all := map[right]bool{}
	for _, t := range Meant {
		for _, of := range []struct{ role, text string }{
			{ServeRole, t.Serve}, {WorkRole, t.Work}, {BothRole, t.Serve}, {BothRole, t.Work}, {BothRole, t.Older},
		} {
			list, err := parse(t.Table, of.role, of.text)
			if err != nil {
				return nil, err
			}
			for _, r := range list {
				all[r] = true
			}
		}
	}
	for r := range all { // a verb on the whole table has no need of its columns
		if r.column != "" && all[right{r.role, r.table, r.verb, ""}] {
			delete(all, r)
		}
	}
	return all, nil
}
