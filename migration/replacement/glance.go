package replacement

import "offramp/migration"

// Glance is what the comparison shows of one customer: of the Overview what it needs, and what prices depend on.
type Glance struct {
	Overview                    // without codes, hand-over and ticks
	Customer migration.Customer // Tier and Attributes alone
}
