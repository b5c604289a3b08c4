package auth

import "regexp"

// localPath is deliberately narrow: none of our own addresses needs an escape, and every trick with one (another host,
// a second decoding, a header) needs a character that is missing here.
var localPath = regexp.MustCompile(`^/(?:[A-Za-z0-9_-]+(?:\.[a-z]+)?(?:/[A-Za-z0-9_-]+(?:\.[a-z]+)?)*)?(?:\?[A-Za-z0-9_=&-]*)?$`)

// LocalPath returns raw when it can only mean a path on this site, with an optional plain query. Whether a page lives
// there is for the router to say.
func LocalPath(raw string) (string, bool) {
	if len(raw) > 300 || !localPath.MatchString(raw) {
		return "", false
	}
	return raw, true
}
