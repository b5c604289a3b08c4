package report

import "strings"

// What a failure is about.
const (
	Address = "address" // the address does not exist or takes no mail: it will not change by itself
	Mailbox = "mailbox" // the mailbox or its system for the time being: full, over quota, away
	Ours    = "ours"    // us: policy, reputation, relaying, our quota, our mail's form. It says nothing of the address
	Unclear = "unclear" // the report does not say
)

// Blame tells what a failure is about from its enhanced status code (RFC 3463) and, where there is none, the code of the dialogue
// (RFC 5321, section 4.2.3). No code is invented for what has none.
func Blame(status string, code int) string {
	class, rest, ok := strings.Cut(status, ".")
	if !ok {
		switch code {
		case 550, 551, 553:
			return Address
		case 450, 452, 552:
			return Mailbox
		}
		return Unclear
	}
	subject, detail, _ := strings.Cut(rest, ".")
	switch subject {
	case "1":
		if detail == "7" || detail == "8" { // the sender's address, which is ours
			return Ours
		}
		return forGood(class)
	case "2":
		if detail == "2" || detail == "3" { // full; too long for this mailbox
			return Mailbox
		}
		return forGood(class)
	case "4":
		if detail == "4" { // no route: such a domain takes no mail
			return forGood(class)
		}
		if detail == "5" || class == "5" { // 5.4.5 is our own quota at large providers
			return Ours
		}
		return Mailbox
	case "3", "5", "6", "7":
		return Ours
	}
	return Unclear
}

func forGood(class string) string {
	if class == "5" {
		return Address
	}
	return Mailbox
}
