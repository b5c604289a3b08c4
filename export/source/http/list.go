package http

import (
	"bytes"
	"strings"

	"offramp/export/source"
)

// list finds an answer's rows. What serialises "nothing" as null, leaves the member out, or writes an empty object, means no rows; a
// total that says otherwise is held against that at the end. PHP writes a list with gaps as an object whose names are numbers.
func (p *pages) list(whole []byte) ([]byte, error) {
	path := p.query.Request.Items
	items, err := lookUp(whole, path)
	if err != nil {
		return nil, p.fail(source.Inconsistent, "%w", err)
	}
	switch {
	case items == nil && p.leftOut(whole, path):
		return []byte("[]"), nil
	case items == nil:
		return nil, p.fail(source.Inconsistent, "the answer has no list under %q", path)
	case items[0] == '[':
		return items, nil
	case path == "":
		return nil, p.fail(source.Inconsistent, "the answer has no list but an object (say in items where its list is)")
	}
	if list, ok := numbered(items); ok {
		return list, nil
	}
	return nil, p.fail(source.Inconsistent, "the answer has %s in place of a list under %q", nameOf(items), path)
}

// leftOut reports whether an answer without a list says by that that there are no rows: the list is null, or the object that it
// belongs into is there without it. An answer that tells of an error does not; nor one that has a list under another name, which
// may be the rows after a change of the API.
func (p *pages) leftOut(whole []byte, path string) bool {
	parent, name := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = path[:i], path[i+1:]
	}
	if path == "" || tellsOfAnError(whole) {
		return false
	}
	if p.total == 0 {
		return true
	}
	within, err := lookUp(whole, parent)
	if err != nil || within == nil {
		return false
	}
	if within[0] != '{' {
		return string(within) == "[]" // how PHP writes an empty object
	}
	null, other := false, false
	err = members(within, func(key, value []byte) error {
		null = null || string(key) == name
		other = other || value[0] == '['
		return nil
	})
	return err == nil && (null || parent != "" && !other)
}

// errorNames are under which an answer with status 200 says that it failed.
var errorNames = []string{"error", "errors", "exception", "fault", "message", "detail", "problem"}

func tellsOfAnError(whole []byte) bool {
	for _, name := range errorNames {
		value, err := lookUp(whole, name)
		if err != nil || value != nil && !bytes.Equal(value, []byte("[]")) && !bytes.Equal(value, []byte("{}")) && !bytes.Equal(value, []byte(`""`)) && !bytes.Equal(value, []byte("false")) {
			return true
		}
	}
	return false
}

// numbered makes a list of an object whose names are whole numbers, in the order in which they stand. An empty one is an empty list.
func numbered(object []byte) (list []byte, ok bool) {
	if object[0] != '{' {
		return nil, false
	}
	list, ok = []byte{'['}, true
	err := members(object, func(key, value []byte) error {
		ok = ok && len(key) > 0 && len(strings.Trim(string(key), "0123456789")) == 0
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = append(list, value...)
		return nil
	})
	return append(list, ']'), ok && err == nil
}

// answered is what an API says about there being more.
type answered int

const (
	silent answered = iota
	yes
	no
)

// more reads whether an answer says that rows are left.
func (p *pages) more(whole []byte) (answered, error) {
	path := p.query.Request.Paging.More
	if path == "" {
		return silent, nil
	}
	value, err := lookUp(whole, path)
	if err != nil {
		return silent, p.fail(source.Inconsistent, "%w", err)
	}
	switch strings.ToLower(strings.Trim(string(value), `"`)) {
	case "":
		return silent, nil
	case "true", "1":
		return yes, nil
	case "false", "0":
		return no, nil
	}
	return silent, p.fail(source.Schema, "%q, where it is declared to say whether there is more, is %s but neither true nor false", path, nameOf(value))
}
