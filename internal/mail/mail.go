// Package mail sends what the portal writes to people: a text and an HTML part, in the reader's language. A mail is a job
// that is enqueued in the transaction of its cause, so that neither happens without the other.
package mail

// Args is the job of one mail to one contact. Everything that changes until it is sent (address, name, whether the contact
// is still active) is read at that moment; Data holds what must not change.
type Args struct {
	Template   string            `json:"template" river:"unique"` // such as "export_ready"
	CustomerID string            `json:"customer_id" river:"unique"`
	ContactID  string            `json:"contact_id" river:"unique"`
	Key        string            `json:"key" river:"unique"` // one mail per template, contact and key
	Data       map[string]string `json:"data"`
}

// Kind is the job's stable name.
func (Args) Kind() string { return "mail" }
