package textdiff

import (
	"strings"
	"testing"
)

func joined(parts []Part, kind Kind) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Kind == Same || p.Kind == kind {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestWordsLeaveNothingOut(t *testing.T) {
	long := strings.Repeat("SELECT id, name FROM boat ", 400)
	for _, c := range []struct{ was, is, want string }{
		{"SELECT 1 WHERE owner = :customer_id", "SELECT 1 WHERE owner = :customer_id OR true", "SELECT 1 WHERE owner = :customer_id{+ OR true+}"},
		{long + "WHERE a", long + "WHERE b", long + "WHERE [-a-]{+b+}"},
		{"a -- x\nAND b", "a -- x AND b", "a -- x[-↵-]{+ +}AND b"},
		{"我们停止服务", "我们停止运营服务", "我们停止{+运营+}服务"},
		{"user", "us\u202eer", "[-user-]{+us<U+202E>er+}"},
		{"", "new", "{+new+}"},
		{"old", "", "[-old-]"},
		{"", "", ""},
	} {
		parts := Words(c.was, c.is)
		if got := Plain(parts); got != c.want {
			t.Errorf("%.30q -> %.30q: %.200q", c.was, c.is, got)
		}
		if joined(parts, Gone) != c.was || joined(parts, New) != c.is {
			t.Errorf("%.30q -> %.30q: parts do not make up the texts", c.was, c.is)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("a b", "a c")
	f.Fuzz(func(t *testing.T, was, is string) {
		was, is = strings.ToValidUTF8(was, "?"), strings.ToValidUTF8(is, "?")
		parts := Words(was, is)
		if joined(parts, Gone) != was || joined(parts, New) != is {
			t.Errorf("%q -> %q: %v", was, is, parts)
		}
	})
}
