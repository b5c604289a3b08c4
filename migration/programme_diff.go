package migration

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Change is one difference between two versions of a programme. A whole tier, dataset or other list entry that came or
// went is one change; Old or New is then empty.
type Change struct {
	Path string // entries of lists are named by their key: milestones[service_end].day
	Old  string // empty: it was not there
	New  string // empty: it is gone
}

// shownLength bounds how much of a value a change shows, in characters.
const shownLength = 100

// String writes the change in one line.
func (c Change) String() string {
	return fmt.Sprintf("%s: %s -> %s", c.Path, shown(c.Old), shown(c.New))
}

func shown(value string) string {
	if value == "" {
		return "(none)"
	}
	line := strings.Join(strings.Fields(value), " ")
	if utf8.RuneCountInString(line) > shownLength {
		line = string([]rune(line)[:shownLength-1]) + "…"
	}
	return line
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
	case is.Kind() == reflect.Slice && is.Type().Elem().Kind() == reflect.String:
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
		d.add(path, "", "present")
	case is.IsNil():
		d.add(path, "present", "")
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
	}
	for i := range was.Len() {
		key := entryKey(was.Index(i), i)
		if _, gone := before[key]; gone {
			d.add(fmt.Sprintf("%s[%s]", path, key), summary(was.Index(i)), "")
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

// summary says in a word what came or went; a date says more than its being there.
func summary(entry reflect.Value) string {
	if m, ok := entry.Interface().(Milestone); ok {
		return m.Day.String()
	}
	return "present"
}

func joined(v reflect.Value) string {
	list, _ := v.Interface().([]string)
	return strings.Join(list, ", ")
}

// scalar writes zero values as nothing, as the file does by leaving them out.
func scalar(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	return fmt.Sprint(v.Interface())
}
