// Package workspace is where staff run the retirement: phases with gates, and the checklist. All staff read it; an item's owner and
// programme managers act.
package workspace
