package locale

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// named finds literal message ids where the product's code names them. What
// follows the literal is kept, to tell a whole id from the head of a joined one.
var named = regexp.MustCompile(`(?:\.[TN]\(\s*|\bfault\.New\([^,()]+,\s*|\.Field\([^,()]+,\s*)"([^"\s]+)"(\s*\+)?`)

// root walks up to the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

func product(path string) bool {
	if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
		return false
	}
	return strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".templ")
}

// TestCodeNamesExistingMessages holds every literal id in the product's code against the catalogues.
func TestCodeNamesExistingMessages(t *testing.T) {
	messages, base := catalogue(t, Default), root(t)
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !product(path) {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		where, _ := filepath.Rel(base, path)
		for _, id := range missing(string(source), messages) {
			t.Errorf("%s: no message %s", where, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// missing returns the ids that source names and messages lacks. A joined id
// needs at least one message with its head.
func missing(source string, messages map[string]forms) (ids []string) {
	for _, m := range named.FindAllStringSubmatch(source, -1) {
		id, joined := m[1], m[2] != ""
		_, ok := messages[id]
		if !ok && !(joined && begins(messages, id)) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func begins(messages map[string]forms, head string) bool {
	for id := range messages {
		if strings.HasPrefix(id, head) {
			return true
		}
	}
	return false
}

func TestMissingFindsIDs(t *testing.T) {
	messages := map[string]forms{"a.b": {"other": "x"}}
	source := `l.T("a.b"); l.T("a.c", "N", 1); l.N("a.d", 2); l.T("a." + s); l.T("z." + s)
		fault.New(fault.NotFound, "a.e"); e.Field("name", "a.f", nil)`
	want := "a.c a.d z. a.e a.f"
	if got := strings.Join(missing(source, messages), " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// refusing finds the ids of refusals, and of what is wrong with single fields, where they are declared.
var refusing = regexp.MustCompile(`(?:\bfault\.New\([^,()]+,\s*|\.Field\([^,()]+,\s*)"([a-z0-9_.]+)"`)

// toCustomers are refusals that staff do not meet: only a customer's own act, or a sign-in of the customers' side, is answered by them.
var toCustomers = []string{
	"auth.address.", "auth.disabled", "auth.unknown_customer", "delivery.", "export.bad_selection", "export.limited", "export.owners_only", "export.not_downloaded", "help.many",
	"refund.account.", "refund.owner_only", "refund.quote_changed", "replacement.carried_out", "replacement.not_owner",
	"replacement.losses_changed", "replacement.offer_ended",
}

// customersOwn are words that speak to a customer, or as the company to one.
var customersOwn = map[string]*regexp.Regexp{
	"en": regexp.MustCompile(`\b([Yy]our (account|organi[sz]ation|owner|data|refunds?|requests?|exports?|choice|bucket|move|plan|copy|copies|bank|payments?|money|purchase|safety|product|archive|documents?)|` +
		`[Ww]hat you paid|[Yy]ou have asked for|[Ww]e|[Uu]s|[Oo]ur)\b`),
	"zh-CN": regexp.MustCompile(`您的(账户|数据|退款|申请|导出|选择|存储桶|迁移|方案|副本|银行|付款|款项|安全|产品|文件|收款)|贵组织|我们|您已(付款|申请|请求)`),
}

// refusals are the ids of what people are refused by, from the product's code.
func refusals(t *testing.T) []string {
	t.Helper()
	base, seen := root(t), map[string]bool{"fault.input": true}
	for _, kind := range []string{"invalid", "signed_out", "forbidden", "not_found", "method", "too_slow", "conflict", "gone", "too_large", "media_type", "limited", "misdirected", "unavailable", "internal"} {
		seen["fault."+kind] = true // by status alone
	}
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !product(path) {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range refusing.FindAllStringSubmatch(string(source), -1) {
			seen[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestRefusalsSpeakToStaff reads every refusal as staff do: it is about a customer's things, not about theirs.
func TestRefusalsSpeakToStaff(t *testing.T) {
	list := refusals(t)
	if len(list) < 150 {
		t.Fatalf("only %d refusals were found", len(list))
	}
	for _, head := range toCustomers {
		if !slices.ContainsFunc(list, func(id string) bool { return strings.HasPrefix(id, head) }) {
			t.Errorf("there is no refusal %s any more", head)
		}
	}
	for tag, own := range customersOwn {
		messages, staff := catalogue(t, tag), For(tag).Staff()
		for _, id := range list {
			if slices.ContainsFunc(toCustomers, func(head string) bool { return strings.HasPrefix(id, head) }) {
				continue
			}
			for _, id := range []string{id, id + ".text"} {
				for _, text := range messages[staff.own(id)] {
					if found := own.FindString(text); found != "" {
						t.Errorf("%s: %s says %q to staff: %s", tag, id, found, text)
					}
				}
			}
		}
	}
}
