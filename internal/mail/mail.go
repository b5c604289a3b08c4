// Package mail sends what the portal writes to people: a text and an HTML part, in the reader's language. A mail is a job
// that is enqueued in the transaction of its cause, so that neither happens without the other.
//
// Whom it goes to is read at the moment of sending, under that customer's scope; whoever was disabled since gets nothing.
// A mail holds no file, no remote image and nothing that tells when it was read; its one button leads to the portal,
// which asks for sign-in. A refusal for now (4xx) is tried again for about half a day; a refusal for good (5xx) ends the
// mail and leaves an entry in the audit log, without the address. A connection to the server is kept for the next mail, for
// seconds only.
package mail

import "strings"

// Args is the job of one mail to one contact. Everything that changes until it is sent (address, name, whether the contact
// is still active) is read at that moment; Data holds what must not change.
//
//	template         data
//	export_ready     export_id, reference, size (bytes), until (RFC 3339)
//	export_failed    export_id, reference
//	export_expiring  export_id, reference, size (bytes), until (RFC 3339)
//	export_delivered      export_id, reference, size (bytes), files, bucket
//	export_not_delivered  export_id, reference, bucket, problem (message id)
//	help_received    request_id, request, export_id, reference
//	help_answered    request_id, request, export_id, reference
//	refund_...       refund, amount (minor units), currency (ISO 4217), method; and, where a date was promised, since (RFC 3339: when its
//	                 days begin to count), and the days of the stages that are to come: review_days, pay_days, bank_days
//	help_request     request_id, request, export_id, reference, desk (language); to the help desk, about the contact's request
//	help_late        likewise, about one that waits longer than was promised
//	choice_made      replacement, name.<locale>, until (RFC 3339; may be missing), and code, or sealed with owner, or waiting
//	code_ready       replacement, name.<locale>, until, sealed, owner
//	offer_expiring   replacement, name.<locale>, until, and code, or sealed with owner
//	choice_withdrawn replacement, name.<locale>
//	move_confirmed   nothing
//	confirm_address  to (the address), token
type Args struct {
	Template   string            `json:"template" river:"unique"` // such as "export_ready"
	CustomerID string            `json:"customer_id" river:"unique"`
	ContactID  string            `json:"contact_id" river:"unique"`
	Key        string            `json:"key" river:"unique"` // one mail per template, contact and key
	Data       map[string]string `json:"data"`
	Copy       bool              `json:"copy,omitempty"` // to another person of the customer than the one whom it is about
}

// The templates.
const (
	ExportReady    = "export_ready"
	ExportFailed   = "export_failed"
	ExportExpiring = "export_expiring" // a day before the file is deleted

	ExportDelivered    = "export_delivered"     // a copy lies in the customer's own bucket
	ExportNotDelivered = "export_not_delivered" // it could not be copied there
	HelpReceived       = "help_received"
	HelpAnswered       = "help_answered"
	HelpRequest        = "help_request" // to the programme's help desk
	HelpLate           = "help_late"    // likewise: nobody has answered in time

	ChoiceMade      = "choice_made"      // a replacement was chosen, with the code of its offer
	CodeReady       = "code_ready"       // a code for who had waited for one
	OfferExpiring   = "offer_expiring"   // a week before the offer that was chosen ends
	ChoiceWithdrawn = "choice_withdrawn" // the chosen replacement is not offered any more
	ConfirmAddress  = "confirm_address"  // to an address that a contact has given, with the link that confirms it
	MoveConfirmed   = "move_confirmed"   // step 5 is done
	RefundReceived  = "refund_received"
	RefundQuestion  = "refund_question" // finance asks something
	RefundApproved  = "refund_approved"
	RefundPaid      = "refund_paid"     // only once it is paid
	RefundCredited  = "refund_credited" // only once it is credited
	RefundReturned  = "refund_returned" // came back: other details are needed
	RefundDeclined  = "refund_declined"
	RefundWithdrawn = "refund_withdrawn" // by the customer
	RefundAnswered  = "refund_answered"  // the customer's answer has arrived
	RefundCorrected = "refund_corrected" // the customer's other account has arrived
	RefundObjected  = "refund_objected"  // the customer's objection has arrived
	RefundUnfit     = "refund_unfit"     // the scanner has refused a document of the customer's
)

// topic is what people of a customer may want to be told of, too: exports or money; empty: the mail is for one person alone.
func (a Args) topic() string {
	switch {
	case strings.HasPrefix(a.Template, "export_"):
		return "exports"
	case strings.HasPrefix(a.Template, "refund_"):
		return "money"
	}
	return ""
}

// Kind is the job's stable name.
func (Args) Kind() string { return "mail" }
