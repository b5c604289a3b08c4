package archive

// giveWay makes the calling goroutine step back behind other work until it ends, and returns what it is to call before each piece
// of its own. A nil between: it does not step back.
func giveWay(between func()) (step func()) {
	if between == nil {
		return func() {}
	}
	lowerThread()
	return between
}
