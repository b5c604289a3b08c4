package bankfile

import (
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// rule is what the schema says of one element, as far as we use it: how often, what is inside, in which order.
type rule struct {
	name   string
	least  int // 0 or 1
	many   bool
	choice bool // exactly one of parts
	parts  []rule
	text   func(string) error // of an element without parts
	priced bool               // bears the attribute Ccy
}

func leaf(name string, text func(string) error) rule { return rule{name: name, least: 1, text: text} }

func (r rule) optional() rule { r.least = 0; return r }

func longest(n int) func(string) error {
	return func(s string) error {
		if s == "" || utf8.RuneCountInString(s) > n {
			return fmt.Errorf("needs 1 to %d characters", n)
		}
		return nil
	}
}

func matches(pattern, what string) func(string) error {
	p := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(s string) error {
		if !p.MatchString(s) {
			return fmt.Errorf("%.40q is no %s", s, what)
		}
		return nil
	}
}

func instant(layout string) func(string) error {
	return func(s string) error {
		if _, err := time.Parse(layout, s); err != nil {
			return fmt.Errorf("%.40q is no instant such as %s", s, layout)
		}
		return nil
	}
}

// The simple types of the schema, with their own bounds.
var (
	number  = matches(`[0-9]{1,15}`, "number of payments")
	sum     = matches(`[0-9]{1,18}|[0-9]{1,17}\.[0-9]{1,5}`, "sum")
	ibanRef = matches(`[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}`, "IBAN")
	bicRef  = matches(`[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?`, "BIC")
	charges = matches(`DEBT|CRED|SHAR|SLEV`, "bearer of charges")
	method  = matches(`TRF`, "transfer")
	id35    = matches(`[A-Za-z0-9\-?:().,'+ ]{1,35}`, "reference of 1 to 35 characters that every bank takes")
)

func agent(name string) rule {
	return rule{name: name, least: 1, parts: []rule{{name: "FinInstnId", least: 1, parts: []rule{
		leaf("BICFI", bicRef).optional(),
		{name: "ClrSysMmbId", parts: []rule{
			{name: "ClrSysId", choice: true, parts: []rule{leaf("Cd", matches(`[A-Z]{5}`, "clearing system"))}},
			leaf("MmbId", longest(35)),
		}},
		leaf("Nm", longest(MaxName)).optional(),
		{name: "Othr", parts: []rule{leaf("Id", longest(35))}},
	}}}}
}

func holder(name string) rule {
	return rule{name: name, least: 1, parts: []rule{leaf("Nm", longest(MaxName))}}
}

func accountRule(name string) rule {
	return rule{name: name, least: 1, parts: []rule{{name: "Id", least: 1, choice: true, parts: []rule{
		leaf("IBAN", ibanRef),
		{name: "Othr", parts: []rule{leaf("Id", longest(34))}},
	}}}}
}

// schema is the part of pain.001.001.09 that our files use. An element that is not here does not belong in one.
var schema = rule{name: "Document", least: 1, parts: []rule{{name: "CstmrCdtTrfInitn", least: 1, parts: []rule{
	{name: "GrpHdr", least: 1, parts: []rule{
		leaf("MsgId", id35), leaf("CreDtTm", instant("2006-01-02T15:04:05Z")), leaf("NbOfTxs", number), leaf("CtrlSum", sum), holder("InitgPty"),
	}},
	{name: "PmtInf", least: 1, many: true, parts: []rule{
		leaf("PmtInfId", id35), leaf("PmtMtd", method), leaf("BtchBookg", matches(`true|false`, "answer")).optional(), leaf("NbOfTxs", number), leaf("CtrlSum", sum),
		{name: "ReqdExctnDt", least: 1, choice: true, parts: []rule{leaf("Dt", instant("2006-01-02"))}},
		holder("Dbtr"), accountRule("DbtrAcct"), agent("DbtrAgt"), leaf("ChrgBr", charges).optional(),
		{name: "CdtTrfTxInf", least: 1, many: true, parts: []rule{
			{name: "PmtId", least: 1, parts: []rule{leaf("EndToEndId", id35)}},
			{name: "Amt", least: 1, choice: true, parts: []rule{{name: "InstdAmt", least: 1, text: sum, priced: true}}},
			agent("CdtrAgt").optional(), holder("Cdtr"), accountRule("CdtrAcct"),
			{name: "RmtInf", parts: []rule{leaf("Ustrd", longest(140))}},
		}},
	}},
}}}}
