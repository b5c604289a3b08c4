package migration

import "slices"

// pages are the names below /replacements that are no replacement's.
var pages = []string{"none", "later", "undo", "refresh"}

// reserved refuses the key of a replacement that no page could be reached under.
func (c *checker) reserved(path, key string) {
	if slices.Contains(pages, key) {
		c.errorf(path, "%q is the name of a page; use another key", key)
	}
}
