package locale

import (
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestNegotiate(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"zh", "zh-CN"},
		{"zh-TW", "zh-CN"},
		{"en-GB", "en"},
		{"de-DE,de;q=0.9", "en"},
		{"de,zh;q=0.5", "zh-CN"},
		{"", "en"},
		{"*", "en"},
		{"not a header;;;", "en"},
	} {
		if got := Negotiate(c.header, Tags()); got != c.want {
			t.Errorf("Negotiate(%q) = %q, want %q", c.header, got, c.want)
		}
	}
	if got := Negotiate("de", []string{"zh-CN", "en"}); got != "zh-CN" {
		t.Errorf("without a match the first supported tag counts, got %q", got)
	}
	if got := Negotiate("de", nil); got != Default {
		t.Errorf("got %q", got)
	}
}

func TestFor(t *testing.T) {
	for tag, want := range map[string]string{"en": "en", "zh-CN": "zh-CN", "zh-Hans": "zh-CN", "fr": "en", "": "en"} {
		if got := For(tag).Tag(); got != want {
			t.Errorf("For(%q) speaks %q, want %q", tag, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	end := time.Date(2027, 1, 31, 15, 59, 0, 0, time.UTC)
	en, zh := For("en"), For("zh-CN")
	for _, c := range []struct{ got, want string }{
		{en.Date(end, shanghai), "31 January 2027"},
		{zh.Date(end, shanghai), "2027年1月31日"},
		{en.FullDate(end, shanghai), "Sun, 31 January 2027"},
		{zh.FullDate(end, shanghai), "2027年1月31日（周日）"},
		{zh.DateTime(end, shanghai), "2027-01-31 23:59"},
		{en.Clock(end, shanghai), "23:59"},
		{en.DateClock(end, shanghai), "31 January 2027, 23:59"},
		{zh.DateClock(end, shanghai), "2027年1月31日 23:59"},
		{en.ISO(end, shanghai), "2027-01-31T23:59:00+08:00"},
		{en.Date(end.Add(time.Minute), shanghai), "1 February 2027"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestZones(t *testing.T) {
	winter, summer := time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC), time.Date(2027, 7, 15, 0, 0, 0, 0, time.UTC)
	en, zh := For("en"), For("zh-CN")
	for _, c := range []struct{ got, want string }{
		{zh.ZoneName(zone(t, "Asia/Shanghai"), winter), "北京时间（UTC+8）"},
		{en.ZoneName(zone(t, "Asia/Shanghai"), winter), "Beijing time (UTC+8)"},
		{en.ZoneName(zone(t, "Europe/Berlin"), winter), "Berlin time (UTC+1)"},
		{en.ZoneName(zone(t, "Europe/Berlin"), summer), "Berlin time (UTC+2)"},
		{zh.ZoneName(zone(t, "America/Argentina/Buenos_Aires"), winter), "布宜诺斯艾利斯时间（UTC-3）"},
		{en.ZoneName(zone(t, "Asia/Kolkata"), winter), "Kolkata time (UTC+5:30)"},
		{en.ZoneName(zone(t, "America/St_Johns"), winter), "St Johns time (UTC-3:30)"},
		{en.ZoneName(time.UTC, winter), "UTC"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	l := For("en")
	for _, c := range []struct{ got, want string }{
		{l.Number(0), "0"},
		{l.Number(999), "999"},
		{l.Number(-1000), "-1,000"},
		{l.Number(-100), "-100"},
		{l.Number(1284930), "1,284,930"},
		{l.Size(512), "512 B"},
		{l.Size(12_400), "12 KB"},
		{l.Size(999_950_000), "1.0 GB"},
		{l.Size(15_000_000_000), "15.0 GB"},
		{l.Percent(902, 6636), "13.6%"},
		{l.Percent(9999, 10000), "99.9%"},
		{l.Percent(1, 100000), "0.1%"},
		{l.Percent(5, 5), "100.0%"},
		{l.Percent(0, 0), "--"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestDurations(t *testing.T) {
	en, zh := For("en"), For("zh-CN")
	for d, want := range map[time.Duration]string{
		20 * time.Second:               "less than 1 minute left",
		time.Minute:                    "about 1 minute left",
		5*time.Minute + 10*time.Second: "about 6 minutes left",
		11 * time.Minute:               "about 15 minutes left",
		56 * time.Minute:               "about 1 hour left",
		90 * time.Minute:               "about 2 hours left",
		48 * time.Hour:                 "about 48 hours left",
		60 * time.Hour:                 "about 3 days left",
	} {
		if got := en.ETA(d); got != want {
			t.Errorf("ETA(%v) = %q, want %q", d, got, want)
		}
	}
	if got := zh.ETA(6 * time.Minute); got != "预计还需约6分钟" {
		t.Error(got)
	}
	if got := en.Duration(25 * time.Minute); got != "25 minutes" {
		t.Error(got)
	}
}

func TestMoney(t *testing.T) {
	en, zh := For("en"), For("zh-CN")
	for _, c := range []struct{ got, want string }{
		{zh.Money(128493, "CNY"), "¥1,284.93"},
		{en.Money(128493, "CNY"), "CN¥1,284.93"},
		{en.Money(1284, "JPY"), "¥1,284"},
		{en.Money(1284567, "KWD"), "KWD\u00a01,284.567"},
		{en.Money(-500, "USD"), "-$5.00"},
		{en.MoneyWhole(128493000, "CNY"), "CN¥1,284,930"},
		{en.Amount(443836, "CNY"), "4,438.36"},
		{en.Money(5, "???"), "5 ???"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestMasks(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Mask("lin@farshore.example"), "l***@farshore.example"},
		{Mask("林@farshore.example"), "林***@farshore.example"},
		{Mask("nobody"), "***"},
		{MaskAccount("6222 0000 0000 1208"), "**** 1208"},
		{MaskAccount("12"), "****"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestPick(t *testing.T) {
	zh, en := For("zh-CN"), For("en")
	for _, c := range []struct {
		l         *Locale
		text      map[string]string
		want, tag string
	}{
		{zh, map[string]string{"en": "Stop", "zh-CN": "停止"}, "停止", "zh-CN"},
		{zh, map[string]string{"en": "Stop", "zh-TW": "停止"}, "停止", "zh-TW"},
		{zh, map[string]string{"en": "Stop", "de": "Ende"}, "Stop", "en"},
		{en, map[string]string{"fr": "Fin", "de": "Ende"}, "Ende", "de"},
		{en, nil, "", "en"},
	} {
		got, tag := c.l.PickLang(c.text)
		if got != c.want || tag != c.tag {
			t.Errorf("%s of %v: got %q in %q, want %q in %q", c.l.Tag(), c.text, got, tag, c.want, c.tag)
		}
	}
}
