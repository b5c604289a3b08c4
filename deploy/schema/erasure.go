package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What an erasure does with the rows of a table that are a customer's.
const (
	EraseDelete = "delete" // they go
	EraseBlank  = "blank"  // they stay for the law without what says who it was
	EraseKeep   = "keep"   // they stay for the law, and name nobody once the rest has gone
	EraseNone   = "none"   // no customer's personal data is in it
)

// ErasureRule is what an erasure does with one table. A test refuses a table without one, and a column that neither the whole row's
// end nor Columns covers.
type ErasureRule struct {
	Table  string
	Action string // EraseDelete, EraseBlank, EraseKeep or EraseNone
	Where  string // which rows t are those of customer $1; empty: t.customer_id = $1
	Blanks string // of EraseBlank: the assignments
	Rest   string // of EraseBlank: which rows are not blank yet
	// Columns lists every column that stays; of EraseDelete none does. A new column has to be named here by whoever adds it, who thereby
	// says that it holds nobody's personal data, or why it stays.
	Columns string
	Bars    bool   // rows are refused for a customer whose erasure was ordered; EraseDelete always does where there is a customer_id
	Ground  string // of EraseBlank and EraseKeep: why it stays, as a message key
	Years   int    // and how long; 0, of the audit log alone: as long as the log
	Why     string // of EraseNone: why there is nothing to erase
}

// Grounds for keeping.
const (
	groundBooks   = "erasure.ground_books"   // commercial and tax law: what was paid, and who decided
	groundAccount = "erasure.ground_account" // accountability: that and when we acted
	groundProof   = "erasure.ground_proof"   // that the erasure happened
)

const (
	booksYears = 10

	ofRefund   = "t.refund_id IN (SELECT id FROM public.refund WHERE customer_id = $1)"
	ofIdentity = "t.identity_id IN (SELECT id FROM public.identity WHERE customer_id = $1)"
)

// Erasure is the register: what is done with each table. schema up writes it into the database.
var Erasure = []ErasureRule{
	// The customer. A row stays, since books refer to it; it says nothing of anybody.
	{
		Table: "customer", Action: EraseBlank, Where: "t.id = $1", Ground: groundBooks, Years: booksYears,
		Blanks:  "ref = '#' || left(md5(t.id), 8), name = '#' || left(md5(t.id), 8), attributes = '{}', zone = 'UTC', locale = 'en', state = 'disabled'",
		Rest:    "t.ref <> '#' || left(md5(t.id), 8) OR t.name <> t.ref OR t.attributes <> '{}' OR t.zone <> 'UTC' OR t.locale <> 'en' OR t.state <> 'disabled'",
		Columns: "id ref name tier locale zone state attributes imported_at updated_at",
	},
	// Search. The row is made anew of whatever the customer's row says, so also of one that says nothing of anybody: that one may stay.
	{Table: "customer_search", Action: EraseDelete, Where: "t.customer_id = $1 AND t.folded NOT LIKE '%' || left(md5($1), 8) || '%'"},
	{Table: "customer_search_stale", Action: EraseNone, Why: "which rows of customer_search are to be made anew, by random ids", Columns: "customer_id"},
	{Table: "contact", Action: EraseDelete},
	{Table: "extension", Action: EraseDelete},
	{Table: "journey", Action: EraseDelete},
	{Table: "journey_event", Action: EraseDelete},
	{Table: "help_request", Action: EraseDelete},
	{Table: "help_entry", Action: EraseDelete},
	{Table: "help_round", Action: EraseDelete},
	{Table: "help_presence", Action: EraseDelete, Where: "t.request_id IN (SELECT id FROM public.help_request WHERE customer_id = $1)"},
	// Feedback. An anonymous answer is nobody's: nothing leads from it to a customer.
	{Table: "feedback_invitation", Action: EraseDelete},
	{Table: "feedback_answer", Action: EraseDelete},
	{Table: "journey_rollup", Action: EraseNone, Why: "sums over all customers", Columns: "tier step status n"},
	{Table: "journey_rollup_day", Action: EraseNone, Why: "sums over all customers", Columns: "day tier step done total"},
	{Table: "journey_rollup_state", Action: EraseNone, Why: "when sums were counted", Columns: "one folded_at recounted_at drift"},
	{Table: "journey_delta", Action: EraseNone, Why: "steps and a tier, without whose", Columns: "id tier before after again"},

	// Who signs in.
	{Table: "identity", Action: EraseDelete},
	{Table: "session", Action: EraseDelete, Where: ofIdentity + " OR t.customer_id = $1"},
	{Table: "person_change", Action: EraseDelete, Where: "t.customer_id = $1 OR " + ofIdentity},
	{Table: "address_confirmation", Action: EraseDelete},
	{Table: "invitation", Action: EraseDelete},
	{Table: "calendar_feed", Action: EraseDelete},
	{Table: "contact_phone", Action: EraseDelete},
	{Table: "phone_code", Action: EraseDelete},
	{Table: "sms_consent", Action: EraseDelete},
	{Table: "reader_topic", Action: EraseDelete},
	{
		Table: "sign_in", Action: EraseNone, Why: "a browser that nobody has identified yet, for some minutes",
		Columns: "token_hash realm state nonce verifier return_to invitation created_at expires_at fresh",
	},
	{Table: "logout_token", Action: EraseNone, Why: "ids of an issuer's tokens, until they end", Columns: "issuer jti expires_at"},
	{Table: "rate_limit", Action: EraseNone, Why: "random ids and network addresses of who asks, for a day at most", Columns: "key until"},

	// Exports.
	{Table: "export", Action: EraseDelete},
	{Table: "export_delivery", Action: EraseDelete},
	{Table: "export_delivery_volume", Action: EraseDelete},
	{Table: "export_download", Action: EraseDelete},
	{Table: "export_hold", Action: EraseDelete},
	{Table: "export_object", Action: EraseDelete},
	{Table: "export_outline", Action: EraseDelete},
	{Table: "export_password", Action: EraseDelete},
	{Table: "export_token", Action: EraseDelete},
	{Table: "export_volume", Action: EraseDelete},
	{Table: "source_pace", Action: EraseNone, Why: "keys of the programme file and instants", Columns: "source next_at"},

	// Replacements.
	{Table: "feature_request", Action: EraseDelete},
	{Table: "feature_usage", Action: EraseDelete},
	{
		Table: "feature_count", Action: EraseNone, Why: "how the programme's questions about features fare",
		Columns: "feature asked counted_at tried_at took_ms slow problem",
	},
	{Table: "feature_counting", Action: EraseNone, Why: "written and deleted by one transaction", Columns: "ref uses"},
	{Table: "guide_tick", Action: EraseDelete},
	{Table: "hand_over", Action: EraseDelete},
	{Table: "offer_code", Action: EraseDelete},
	{Table: "offer_notice", Action: EraseDelete},
	{Table: "offer_waiting", Action: EraseDelete},
	{Table: "replacement_choice", Action: EraseDelete},
	{Table: "replacement_report", Action: EraseNone, Why: "ids of messages that replacements sent", Columns: "replacement message_id at"},

	// Money. What the books need stays: amounts, dates, references of payments, who decided. Account numbers, names and words go.
	{
		Table: "refund", Action: EraseBlank, Ground: groundBooks, Years: booksYears, Bars: true,
		Blanks: `account = CASE WHEN t.account = '' THEN '' ELSE 'erased' END, account_last4 = '', name_key = '', question = '', answer = '',
			reason_text = '', objection = '', failure = '', approved_content = CASE WHEN t.approved_content IS NULL THEN NULL
			ELSE public.refund_content(t.amount, t.currency, t.method, t.replacement, CASE WHEN t.account = '' THEN '' ELSE 'erased' END, t.quote_digest) END`,
		Rest: `t.account NOT IN ('', 'erased') OR t.account_last4 <> '' OR t.name_key <> '' OR t.question <> '' OR t.answer <> '' OR t.reason_text <> ''
			OR t.objection <> '' OR t.failure <> ''`,
		Columns: `id number ref customer_id tier name_key state method currency amount extra settled quote quote_digest policy_version replacement
			account account_kind account_last4 content version round second_needed requested_by requested_at reviewed_by reviewed_at approved_by
			approved_at second_approved_by second_approved_at approved_content released_by released_at settled_at question answer reason
			reason_text object_until objection failure batch_id updated_at review_days pay_days bank_days credit_price credit_rest rest_rule
			declined_by rest_of stage_due`,
	},
	{Table: "figure", Action: EraseNone, Why: "sums over all customers", Columns: "report week slot measure value"},
	{Table: "figure_count", Action: EraseNone, Why: "when sums were counted", Columns: "one at took_ms"},
	{Table: "figure_weekly", Action: EraseNone, Why: "sums over all customers, and a manager's note", Columns: "week content made_at state note decided_by decided_at"},
	{Table: "refund_document", Action: EraseDelete},
	{Table: "refund_draft", Action: EraseDelete},
	{
		Table: "refund_event", Action: EraseBlank, Blanks: "text = ''", Rest: "t.text <> ''", Ground: groundBooks, Years: booksYears,
		Columns: "id refund_id customer_id version kind actor actor_kind from_state to_state text at",
	},
	{
		Table: "refund_task", Action: EraseBlank, Where: ofRefund, Blanks: "detail = '', note = ''", Rest: "t.detail <> '' OR t.note <> ''",
		Ground: groundBooks, Years: booksYears, Columns: "id kind refund_id key detail opened_at done_by done_at note",
	},
	{
		Table: "refund_decision", Action: EraseKeep, Ground: groundBooks, Years: booksYears,
		Columns: "refund_id customer_id round duty person at role",
	},
	{
		Table: "refund_payment", Action: EraseKeep, Ground: groundBooks, Years: booksYears,
		Columns: "refund_id customer_id payment_ref amount paid provider provider_payment live settled rest",
	},
	{Table: "refund_total", Action: EraseNone, Why: "sums over all customers", Columns: "id state tier method currency count amount"},
	{
		Table: "ledger_entry", Action: EraseKeep, Ground: groundBooks, Years: booksYears,
		Columns: "id refund_id customer_id tier kind key at",
	},
	{
		Table: "ledger_posting", Action: EraseKeep, Ground: groundBooks, Years: booksYears,
		Columns: "entry_id customer_id account currency amount", // the account is the ledger's, not the customer's
	},
	{Table: "ledger_figure", Action: EraseNone, Why: "sums over all customers", Columns: "id state tier method currency account amount"},
	{
		Table: "payment", Action: EraseKeep, Ground: groundBooks, Years: booksYears, Bars: true,
		Columns: `customer_id ref invoice_ref paid_at method provider provider_ref currency gross tax discount period_start period_end units
			units_used refunded credited import_id changed_at`,
	},
	{
		Table: "entitlement", Action: EraseKeep, Ground: groundBooks, Years: booksYears, Bars: true,
		Columns: "customer_id version import_id due programme changed_at due_at",
	},
	{
		Table: "entitlement_import", Action: EraseNone, Why: "who imported which file, and how many lines it had",
		Columns: "id source started_by started_at finished_at read created updated refused",
	},
	{
		Table: "payout_attempt", Action: EraseBlank, Blanks: "detail = ''", Rest: "t.detail <> ''", Ground: groundBooks, Years: booksYears,
		Columns: `refund_id number customer_id payment_ref channel provider_payment amount currency key state fence leased_until provider_refund
			failure code detail outcome_amount outcome_at planned_at called_at settled_at next_at looked`,
	},
	{
		Table: "batch_item", Action: EraseKeep, Ground: groundBooks, Years: booksYears,
		Columns: "batch_id refund_id customer_id n amount content end_to_end dropped live",
	},
	{
		Table: "batch", Action: EraseNone, Why: "sums of a payment file, and who released it",
		Columns: `id ref state method currency count control sha256 size created_by created_at released_by released_at dropped created_role
			released_role`,
	},
	// The payment order as the bank got it names payees and accounts of many customers, and is one voucher: it stays whole until the
	// books' years of all in it are over.
	{
		Table: "batch_file", Action: EraseKeep, Ground: groundBooks, Years: booksYears,
		Where: `t.batch_id IN (SELECT i.batch_id FROM public.batch_item i WHERE i.customer_id = $1) AND NOT EXISTS (SELECT FROM public.batch_item i
			LEFT JOIN public.erasure_order o ON o.customer_id = i.customer_id WHERE i.batch_id = t.batch_id AND i.customer_id <> $1
			AND o.gone_at IS NULL AND (o.keep_until IS NULL OR o.keep_until >= clock_timestamp()))`,
		Columns: "batch_id bytes",
	},
	{Table: "bank_import", Action: EraseNone, Why: "which file of the bank was read", Columns: "id name sha256 imported_by imported_at"},
	{Table: "bank_passed", Action: EraseNone, Why: "numbers of lines that were passed over", Columns: "import_id why count lines"},
	{
		Table: "bank_result", Action: EraseBlank, Where: ofRefund, Blanks: "detail = '', note = ''", Rest: "t.detail <> '' OR t.note <> ''",
		Ground: groundBooks, Years: booksYears,
		Columns: `id import_id line queue end_to_end refund_id booked amount currency expected reason detail day bank_ref settled_by settled_at note
			whole batch_id payments unclear`,
	},
	{
		Table: "provider_event", Action: EraseNone, Why: "ids and amounts of the payment provider's messages",
		Columns: "provider id type created_at ref attempt outcome received_at processed_at",
	},

	// Notices.
	{Table: "notice_call", Action: EraseDelete},
	{Table: "notice_click", Action: EraseDelete},
	{Table: "notice_delivery", Action: EraseDelete},
	{Table: "notice_fact", Action: EraseDelete},
	{Table: "notice_message", Action: EraseDelete},
	{Table: "notice_preference", Action: EraseDelete},
	{Table: "notice_probe", Action: EraseDelete},
	{Table: "notice_suppression", Action: EraseDelete},
	{Table: "notice_trial", Action: EraseDelete},
	{Table: "notice_waiver", Action: EraseDelete},
	{
		Table: "notice_approval", Action: EraseNone, Why: "what is said to everybody, and who approved it",
		Columns: "notice hash content drafted_by approved_by approved_at",
	},
	{Table: "notice_briefing_read", Action: EraseNone, Why: "colleagues alone", Columns: "identity_id hash locale at"},
	{
		Table: "notice_briefing_reminder", Action: EraseNone, Why: "colleagues alone",
		Columns: "id identity_id hash day asked_by asked_at state detail ended_at",
	},
	{
		Table: "notice_briefing_waiver", Action: EraseNone, Why: "colleagues alone",
		Columns: "hash reason asked_by asked_at confirmed_by confirmed_at",
	},
	{Table: "notice_control", Action: EraseNone, Why: "how a notice is sent", Columns: "notice paused reason rate changed_by changed_at"},
	{
		Table: "notice_correction", Action: EraseNone, Why: "days of the programme, and numbers",
		Columns: "version moved customers drafted_at planned_at replaced_by",
	},
	{
		Table: "notice_mailbox", Action: EraseNone, Why: "how far our own mailbox was read",
		Columns: "name validity uid leased_until looked_at problem",
	},
	{Table: "notice_report_count", Action: EraseNone, Why: "numbers", Columns: "day source outcome count"},
	{Table: "notice_report_seen", Action: EraseNone, Why: "hashes of mails that came in, for some weeks", Columns: "digest at"},

	// Evidence, and what is told to others.
	{
		Table: "audit", Action: EraseKeep, Ground: groundAccount, // for as long as the log is kept: its chain stays whole
		Columns: "seq at actor actor_kind act object customer_id detail prev_hash hash", // random ids, which lead to nobody any more
	},
	{Table: "audit_head", Action: EraseNone, Why: "a number and a hash", Columns: "singleton seq hash"},
	{Table: "outbox_event", Action: EraseDelete},
	{Table: "outbox_delivery", Action: EraseDelete},
	{
		Table: "sink", Action: EraseNone, Why: "names of our own systems",
		Columns: "name disabled_at reason tried_at delivered_at failing_since answers",
	},
	{Table: "sink_worker", Action: EraseNone, Why: "names of our own systems and processes", Columns: "sink worker want seen_at"},
	{Table: "programme_sinks", Action: EraseNone, Why: "names of our own systems", Columns: "version names"},

	// The erasure's own.
	{Table: "erasure_hold", Action: EraseDelete},
	{
		Table: "erasure_request", Action: EraseKeep, Ground: groundProof, Years: booksYears,
		Columns: "id customer_id asked_by asked_at due_at state ended_at",
	},
	{
		Table: "erasure_order", Action: EraseNone, Why: "the ledger of erasures: random ids, and references by a key that can be destroyed",
		Columns: `id customer_id run_id origin reference seq entry digest state ordered_at kept_at completed_at keep_until gone_at next_at passes
			problem report certificate`,
	},
	{
		Table: "erasure_run", Action: EraseNone, Why: "random ids, and which colleagues asked and agreed",
		Columns: "id customer_id request_id asked_by asked_at agreed_by agreed_at state planned cursor",
	},
	{
		Table: "erasure_rule", Action: EraseNone, Why: "this register",
		Columns: "name action position filter blanks rest bars years ground",
	},
	{Table: "erasure_key", Action: EraseNone, Why: "the key of references, which nobody reads", Columns: "singleton key"},

	// The company's own plan and people.
	{
		Table: "application_report", Action: EraseNone, Why: "the company's papers",
		Columns: "one title background feasibility timetable resources benefit budget currency locale version paper_id changed_by changed_at",
	},
	{Table: "application_table", Action: EraseNone, Why: "the company's papers", Columns: "key lines source day version changed_by changed_at"},
	{Table: "approval_delegate", Action: EraseNone, Why: "colleagues alone", Columns: "id principal delegate starts_at ends_at reason at ended_at"},
	{
		Table: "approval_node", Action: EraseNone, Why: "colleagues alone",
		Columns: "paper_id round key step need state opened_at due_at reminded_at escalated_at",
	},
	{
		Table: "approval_paper", Action: EraseNone, Why: "the company's papers",
		Columns: "id kind title body budget currency hash state round version author created_at changed_by changed_at",
	},
	{Table: "approval_path", Action: EraseNone, Why: "the company's paths", Columns: "key version source by at"},
	{
		Table: "approval_round", Action: EraseNone, Why: "the company's papers",
		Columns: "paper_id round hash content path submitted_by submitted_at decide_from state ended_at why",
	},
	{
		Table: "approval_seat", Action: EraseNone, Why: "colleagues alone",
		Columns: "paper_id round node identity_id added_by state decided_by words hash at",
	},
	{Table: "approval_talk", Action: EraseNone, Why: "colleagues alone", Columns: "id paper_id whom concern said agreed unsolved by at"},
	{
		Table: "staff_mail", Action: EraseNone, Why: "mails to colleagues about the work",
		Columns: "id identity_id kind about detail path asked_at state taken_at problem ended_at",
	},
	{Table: "governance_day", Action: EraseNone, Why: "the company's plan", Columns: "id plan_id phase edge kind day reason by at"},
	{Table: "governance_entry", Action: EraseNone, Why: "the company's plan", Columns: "id item_id act text by at"},
	{
		Table: "governance_gate", Action: EraseNone, Why: "the company's plan",
		Columns: "id plan_id phase seen until opened_by opened_at shut_by shut_at reason",
	},
	{
		Table: "governance_item", Action: EraseNone, Why: "the company's plan",
		Columns: `id plan_id key phase position name why department high must milestone days due_day after evidence fact owner state note link
			ended_by ended_at version`,
	},
	{Table: "governance_phase", Action: EraseNone, Why: "the company's plan", Columns: "plan_id key position blocks"},
	{
		Table: "governance_plan", Action: EraseNone, Why: "the company's plan",
		Columns: "id template source leads state started_by started_at ended_by ended_at",
	},
	{
		Table: "governance_waiver", Action: EraseNone, Why: "the company's plan",
		Columns: "id plan_id subject reason until asked_by asked_at agreed_by agreed_at ended_by ended_at",
	},
	{
		Table: "risk", Action: EraseNone, Why: "the company's register of risks",
		Columns: "id title class likelihood impact plan sign owner review_on state evidence proof version created_at",
	},
	{Table: "risk_entry", Action: EraseNone, Why: "the company's register of risks", Columns: "id risk_id act text changes by at"},
	{
		Table: "programme_version", Action: EraseNone, Why: "the same text for every customer",
		Columns: "version state source digest proposed_by proposed_at approved_by approved_at origin first_approved_by first_approved_at",
	},
	{
		Table: "service_end", Action: EraseNone, Why: "that the service has ended",
		Columns: "id version asked_by asked_at declared_by declared_at withdrawn_by withdrawn_at",
	},
	{Table: "installation", Action: EraseNone, Why: "words about the whole installation", Columns: "singleton demonstration actors_from"},

	// The queue. Jobs name customers by random ids; those of ErasureJobs with a customer go with the customer.
	{Table: "river_job", Action: EraseDelete, Where: "t.args ->> 'customer_id' = $1 AND t.kind <> 'erasure'"},
	{Table: "river_leader", Action: EraseNone, Why: "the queue's own", Columns: "elected_at expires_at leader_id name"},
	{Table: "river_migration", Action: EraseNone, Why: "the queue's own", Columns: "line version created_at"},
	{Table: "river_notification", Action: EraseNone, Why: "the queue's own", Columns: "id created_at payload topic"},
	{Table: "river_queue", Action: EraseNone, Why: "the queue's own", Columns: "name created_at metadata paused_at updated_at"},
	{Table: "queue_worker", Action: EraseNone, Why: "names of our own processes", Columns: "id since"},
	{Table: "goose_db_version", Action: EraseNone, Why: "which changes were applied", Columns: "id version_id is_applied tstamp"},
}

// ErasureJob is what the arguments of a kind of job hold. A test refuses a kind without one, and an argument that is not named.
type ErasureJob struct {
	Kind, Arguments string
	Customer        bool // it goes with the customer whom customer_id names; new ones are refused
}

// ErasureJobs is the register of jobs. Jobs without a customer name rows by random ids, or nothing.
var ErasureJobs = []ErasureJob{
	{Kind: "mail", Arguments: "template customer_id contact_id key data copy", Customer: true}, // data: names, codes, an address
	{Kind: "export", Arguments: "export_id customer_id", Customer: true},
	{Kind: "export_help", Arguments: "export_id customer_id attempt", Customer: true},
	{Kind: "export_deliver", Arguments: "delivery_id customer_id", Customer: true},
	{Kind: "export_outline", Arguments: "customer_id", Customer: true},
	{Kind: "customer_count", Arguments: "customer_id", Customer: true},
	{Kind: "help_watch", Arguments: "weigh"},
	{Kind: "customer_search"},
	{Kind: "export_sweep"},
	{Kind: "export_orphans"},
	{Kind: "auth_sweep"},
	{Kind: "audit_head"},
	{Kind: "feature_count", Arguments: "feature"},
	{Kind: "replacement_sweep"},
	{Kind: "refund_pay", Arguments: "refund_id number"},
	{Kind: "refund_hand_out", Arguments: "batch_id refund_id"},
	{Kind: "refund_event", Arguments: "provider id"},
	{Kind: "refund_reconcile"},
	{Kind: "refund_daily"},
	{Kind: "refund_refresh"},
	{Kind: "refund_document_purge", Arguments: "document"},
	{Kind: "refund_document_scan", Arguments: "document"},
	{Kind: "refund_documents"},
	{Kind: "erasure_plan", Arguments: "run_id"},
	{Kind: "erasure", Arguments: "order_id customer_id"},
	{Kind: "erasure_sweep"},
}

// ErasurePrefix is what lies under a prefix of our bucket. A test refuses a prefix without one.
type ErasurePrefix struct {
	Prefix, Table, Column string // whose rows name a customer's objects; empty: there are none
	Why                   string // of those without
}

// ErasurePrefixes is the register of the bucket.
var ErasurePrefixes = []ErasurePrefix{
	{Prefix: "exports/", Table: "export_object", Column: "key"},
	{Prefix: "documents/", Table: "refund_document", Column: "object_key"},
	{Prefix: "audit/heads/", Why: "numbers and hashes"},
	{Prefix: "erasures/", Why: "the ledger of erasures, which has to stay"},
	{Prefix: "check/", Why: "bytes of our own, which are read back and deleted"},
	{Prefix: "ping/", Why: "names at which nothing ever lies"},
}

// unbarred are the tables of deleted rows that may come for somebody who is being erased: jobs have a guard of their own, a hold can come
// late, and a row of the search is made anew.
var unbarred = []string{"river_job", "erasure_hold", "customer_search"}

// register writes Erasure into the database, and bars new rows of those whom it concerns.
func register(ctx context.Context, pool *pgxpool.Pool) error {
	order, err := childrenFirst(ctx, pool)
	if err != nil {
		return err
	}
	there := map[string]string{} // by table: what is written now
	rows, err := pool.Query(ctx, `SELECT name, concat_ws('|', action, position, filter, blanks, rest, bars, years, ground) FROM erasure_rule`)
	if err != nil {
		return fmt.Errorf("register erasure: %w", err)
	}
	var name, text string
	if _, err := pgx.ForEachRow(rows, []any{&name, &text}, func() error { there[name] = text; return nil }); err != nil {
		return fmt.Errorf("register erasure: %w", err)
	}
	batch := &pgx.Batch{}
	for _, r := range Erasure {
		position := slices.Index(order, r.Table)
		if r.Action == EraseNone || position < 0 {
			continue
		}
		text := there[r.Table]
		delete(there, r.Table)
		bars := r.Bars || r.Action == EraseDelete && !slices.Contains(unbarred, r.Table)
		if text == strings.Join([]string{
			r.Action, fmt.Sprint(position), r.where(), r.Blanks, r.Rest, map[bool]string{true: "t", false: "f"}[bars], fmt.Sprint(r.Years), r.Ground,
		}, "|") {
			continue
		}
		batch.Queue(`INSERT INTO erasure_rule (name, action, position, filter, blanks, rest, bars, years, ground) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (name) DO UPDATE SET action = excluded.action, position = excluded.position, filter = excluded.filter, blanks = excluded.blanks,
			rest = excluded.rest, bars = excluded.bars, years = excluded.years, ground = excluded.ground`,
			r.Table, r.Action, position, r.where(), r.Blanks, r.Rest, bars, r.Years, r.Ground)
	}
	for gone := range there {
		batch.Queue(`DELETE FROM erasure_rule WHERE name = $1`, gone)
	}
	batch.Queue(barSQL)
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("register erasure: %w", err)
	}
	return nil
}

func (r ErasureRule) where() string {
	if r.Where == "" {
		return "t.customer_id = $1"
	}
	return r.Where
}

// barSQL makes the triggers that are missing. Only the tables that lack one are locked.
const barSQL = `DO $$ DECLARE r record; BEGIN
	FOR r IN SELECT e.name FROM erasure_rule e JOIN information_schema.columns c ON c.table_schema = 'public' AND c.table_name = e.name
		AND c.column_name = 'customer_id' WHERE e.bars AND NOT EXISTS (SELECT FROM pg_trigger
			WHERE tgrelid = e.name::regclass AND tgname = 'offramp_erasure_bar') LOOP
		EXECUTE format('CREATE TRIGGER offramp_erasure_bar AFTER INSERT ON %I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION erasure_bar()', r.name);
	END LOOP;
	IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'river_job'::regclass AND tgname = 'offramp_erasure_bar') THEN
		CREATE TRIGGER offramp_erasure_bar BEFORE INSERT ON river_job FOR EACH ROW
			WHEN (NEW.args ->> 'customer_id' IS NOT NULL AND NEW.kind <> 'erasure') EXECUTE FUNCTION erasure_job_bar();
	END IF;
END $$`

// childrenFirst lists all tables, each before those that it refers to.
func childrenFirst(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	all, err := names(ctx, pool, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, `SELECT DISTINCT f.relname::text, p.relname::text FROM pg_constraint k JOIN pg_class f ON f.oid = k.conrelid
		JOIN pg_class p ON p.oid = k.confrelid WHERE k.contype = 'f' AND f.oid <> p.oid AND f.relnamespace = 'public'::regnamespace`)
	if err != nil {
		return nil, fmt.Errorf("read references: %w", err)
	}
	waits := map[string]map[string]bool{} // a table, and those that refer to it and are still to come
	var child, parent string
	if _, err := pgx.ForEachRow(rows, []any{&child, &parent}, func() error {
		if waits[parent] == nil {
			waits[parent] = map[string]bool{}
		}
		waits[parent][child] = true
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read references: %w", err)
	}
	var order []string
	for len(order) < len(all) {
		before := len(order)
		for _, t := range all {
			if slices.Contains(order, t) || len(waits[t]) > 0 {
				continue
			}
			order = append(order, t)
			for _, w := range waits {
				delete(w, t)
			}
		}
		if len(order) == before {
			return nil, fmt.Errorf("register erasure: tables refer to each other in a circle: %v", waits)
		}
	}
	return order, nil
}
