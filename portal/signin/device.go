package signin

import (
	"strings"

	"offramp/internal/locale"
)

// Marks in a browser's own description, the more particular first: most call themselves by their ancestors' names, too.
var (
	browsers = [][2]string{
		{"MicroMessenger", "WeChat"},
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser", "Samsung Internet"},
		{"HuaweiBrowser", "Huawei Browser"},
		{"Firefox", "Firefox"},
		{"FxiOS", "Firefox"},
		{"CriOS", "Chrome"},
		{"Chrome", "Chrome"},
		{"Safari", "Safari"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"OpenHarmony", "HarmonyOS"},
		{"HarmonyOS", "HarmonyOS"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// Device says in a few words what a session was begun with. It helps to recognise one's own; it proves nothing.
func Device(l *locale.Locale, userAgent string) string {
	browser, system := find(browsers, userAgent), find(systems, userAgent)
	switch {
	case browser == "" && system == "":
		return l.T("account.device.unknown")
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return l.T("account.device", "Browser", browser, "System", system)
}

func find(marks [][2]string, text string) string {
	for _, m := range marks {
		if strings.Contains(text, m[0]) {
			return m[1]
		}
	}
	return ""
}
