// Package inbound fetches mails about our mails: from a mailbox by IMAP or POP3, or from a mail system that brings them by SMTP or
// LMTP. It reads at most report.MaxBytes of each and keeps none: what a mailbox of any size needs in memory is one mail.
package inbound
