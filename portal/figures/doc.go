// Package figures has the pages of the programme's reports: what was counted week by week, drawn and as a table, and the same table as
// a file.
package figures
