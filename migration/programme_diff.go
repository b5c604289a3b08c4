package migration

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"offramp/internal/textdiff"
)

// Change is one difference between two versions of a programme. A whole tier, dataset or other list entry that went is one
// change with an empty New; of one that came, each value is a change, after one for the entry as a whole.
type Change struct {
	Path string // entries of lists are named by their key: milestones[service_end].day
	Old  string // empty: it was not there
	New  string // empty: it is gone
}

// shortLength is up to how many characters two values are written beside each other rather than merged.
const shortLength = 60

// Short reports whether both values fit beside each other on a line.
func (c Change) Short() bool {
	for _, v := range []string{c.Old, c.New} {
		if utf8.RuneCountInString(v) > shortLength || strings.Contains(v, "\n") {
			return false
		}
	}
	return true
}

// Words is the difference of the two values word by word. Nothing of either is left out.
func (c Change) Words() []textdiff.Part { return textdiff.Words(c.Old, c.New) }

// String writes the whole change for a terminal. Long values are merged: [-gone-] {+new+}.
func (c Change) String() string {
	if c.Short() || c.Old == "" || c.New == "" {
		return fmt.Sprintf("%s: %s -> %s", c.Path, shown(c.Old), shown(c.New))
	}
	return c.Path + ": " + indented(strings.TrimSuffix(textdiff.Plain(c.Words()), "\n"))
}

func shown(value string) string {
	if value == "" {
		return "(none)"
	}
	return indented(textdiff.Visible(strings.TrimSuffix(value, "\n")))
}

// indented sets a text of several lines under its path.
func indented(text string) string {
	if !strings.Contains(text, "\n") {
		return text
	}
	return "\n      " + strings.ReplaceAll(text, "\n", "\n      ")
}

// MovedDate is a milestone whose day differs between two versions.
type MovedDate struct {
	Milestone string
	Was       Day // zero: the milestone is new
	Day       Day // zero: the milestone is gone
}

// Differences lists what differs from old to p, in the order of p's file. A nil old is an empty programme.
func (p *Programme) Differences(old *Programme) []Change {
	if old == nil {
		old = &Programme{}
	}
	d := differ{lines: p.lines}
	d.structure(reflect.ValueOf(*old), reflect.ValueOf(*p), "")
	slices.SortStableFunc(d.found, func(a, b placedChange) int { return a.line - b.line })
	changes := make([]Change, len(d.found))
	for i, f := range d.found {
		changes[i] = f.Change
	}
	return changes
}

// Moved lists the milestones whose days differ from old to p, in the order in which they happen.
func (p *Programme) Moved(old *Programme) []MovedDate {
	var moved []MovedDate
	for _, key := range milestoneOrder {
		var m MovedDate
		if was, ok := old.Milestone(key); ok {
			m.Was = was.Day
		}
		if is, ok := p.Milestone(key); ok {
			m.Day = is.Day
		}
		if m.Was != m.Day {
			m.Milestone = key
			moved = append(moved, m)
		}
	}
	return moved
}

// Earlier are the dates that both versions have and that the later one moves forward: people have less time than they were told.
func Earlier(moved []MovedDate) []MovedDate {
	var earlier []MovedDate
	for _, m := range postponed(moved) {
		if m.Day.Before(m.Was) {
			earlier = append(earlier, m)
		}
	}
	return earlier
}

type placedChange struct {
	Change
	line int
}

// differ walks through two programmes side by side.
type differ struct {
	lines map[string]int
	found []placedChange
}

func (d *differ) add(path, was, is string) {
	if was == is {
		return
	}
	place := path
	for place != "" && d.lines[place] == 0 {
		place = above(place)
	}
	d.found = append(d.found, placedChange{Change{path, was, is}, d.lines[place]})
}

func (d *differ) compare(was, is reflect.Value, path string) {
	switch {
	case is.Type() == reflect.TypeFor[Day]():
		d.add(path, was.Interface().(Day).String(), is.Interface().(Day).String())
	case is.Kind() == reflect.Struct:
		d.structure(was, is, path)
	case is.Kind() == reflect.Pointer:
		d.pointer(was, is, path)
	case is.Kind() == reflect.Slice && (is.Type().Elem().Kind() != reflect.Struct || is.Type().Elem() == reflect.TypeFor[Day]()):
		d.add(path, joined(was), joined(is))
	case is.Kind() == reflect.Slice:
		d.list(was, is, path)
	case is.Kind() == reflect.Map:
		d.texts(textsOf(was), textsOf(is), path)
	default:
		d.add(path, scalar(was), scalar(is))
	}
}

func (d *differ) structure(was, is reflect.Value, path string) {
	for i := range is.NumField() {
		name, rest, _ := strings.Cut(is.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case rest == "inline":
			d.structure(was.Field(i), is.Field(i), path)
		case name != "" && name != "-":
			d.compare(was.Field(i), is.Field(i), strings.TrimPrefix(path+"."+name, "."))
		}
	}
}

func (d *differ) pointer(was, is reflect.Value, path string) {
	switch {
	case was.IsNil() && is.IsNil():
	case is.Type().Elem().Kind() == reflect.String:
		d.add(path, quoted(was), quoted(is))
	case was.IsNil():
		d.add(path, "", Present)
		d.compare(reflect.Zero(is.Type().Elem()), is.Elem(), path)
	case is.IsNil():
		d.add(path, Present, "")
	default:
		d.compare(was.Elem(), is.Elem(), path)
	}
}

// quoted writes a text that may be empty and still be there.
func quoted(v reflect.Value) string {
	if v.IsNil() {
		return ""
	}
	return strconv.Quote(v.Elem().String())
}

// list compares entries by their keys, so that one put in between does not make all others look changed.
func (d *differ) list(was, is reflect.Value, path string) {
	before := map[string]reflect.Value{}
	for i := range was.Len() {
		before[entryKey(was.Index(i), i)] = was.Index(i)
	}
	for i := range is.Len() {
		key := entryKey(is.Index(i), i)
		name := fmt.Sprintf("%s[%s]", path, key)
		if old, ok := before[key]; ok {
			d.compare(old, is.Index(i), name)
			delete(before, key)
			continue
		}
		d.add(name, "", summary(is.Index(i)))
		d.entry(is.Index(i), name, key) // what came with it is seen, too
	}
	for i := range was.Len() {
		key := entryKey(was.Index(i), i)
		if _, gone := before[key]; gone {
			d.add(fmt.Sprintf("%s[%s]", path, key), summary(was.Index(i)), "")
		}
	}
}

// entry lists the values of a list's new entry but those that its key and summary say.
func (d *differ) entry(is reflect.Value, path, key string) {
	inside := differ{lines: d.lines}
	inside.compare(reflect.Zero(is.Type()), is, path)
	for _, f := range inside.found {
		if said := f.New == key || f.New == summary(is); !said || strings.LastIndexByte(f.Path, '.') != len(path) {
			d.found = append(d.found, f)
		}
	}
}

// textsOf reads a map of texts of whatever name.
func textsOf(v reflect.Value) Text {
	return v.Convert(reflect.TypeFor[Text]()).Interface().(Text)
}

func (d *differ) texts(was, is Text, path string) {
	tags := sortedKeys(is)
	for _, tag := range sortedKeys(was) {
		if _, both := is[tag]; !both {
			tags = append(tags, tag)
		}
	}
	for _, tag := range tags {
		d.add(path+"."+tag, was[tag], is[tag])
	}
}

// nameLines notes the line of everything in v by its name, which stays when entries are sorted or others come between.
func nameLines(v reflect.Value, at map[string]position, place, name string, lines map[string]int) {
	if p, ok := at[place]; ok {
		lines[name] = p.line
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			nameLines(v.Elem(), at, place, name, lines)
		}
	case reflect.Slice:
		for i := range v.Len() {
			key := strconv.Itoa(i)
			if v.Index(i).Kind() == reflect.Struct {
				key = entryKey(v.Index(i), i)
			}
			nameLines(v.Index(i), at, fmt.Sprintf("%s[%d]", place, i), fmt.Sprintf("%s[%s]", name, key), lines)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			nameLines(v.MapIndex(key), at, place+"."+key.String(), name+"."+key.String(), lines)
		}
	case reflect.Struct:
		for key, index := range fieldsOf(v.Type()) {
			nameLines(v.FieldByIndex(index), at, strings.TrimPrefix(place+"."+key, "."), strings.TrimPrefix(name+"."+key, "."), lines)
		}
	}
}

// entryKey names a list's entry by its key, name or what it is about where it has one, and a loss by what is lost.
func entryKey(entry reflect.Value, index int) string {
	if l, ok := entry.Interface().(Loss); ok && l.Dataset != "" {
		return strings.TrimSuffix(l.Dataset+"."+l.Column, ".")
	}
	for _, field := range []string{"Key", "Name", "Dataset", "Feature", "Tier", "Replacement", "Method"} {
		if f := entry.FieldByName(field); f.IsValid() && f.Kind() == reflect.String && f.String() != "" {
			return f.String()
		}
	}
	return strconv.Itoa(index)
}

// Present stands for an entry as a whole in a Change.
const Present = "present"

// summary says in a word what came or went; a date says more than its being there.
func summary(entry reflect.Value) string {
	if m, ok := entry.Interface().(Milestone); ok {
		return m.Day.String()
	}
	return Present
}

func joined(v reflect.Value) string {
	list := make([]string, v.Len())
	for i := range list {
		list[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return strings.Join(list, ", ")
}

// scalar writes zero values as nothing, as the file does by leaving them out.
func scalar(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	return fmt.Sprint(v.Interface())
}
