package archive

// giveWay makes the calling goroutine step back behind other work until it ends, and returns what it is to call before each piece
// of its own, with the bytes in it. A nil between: it does not step back.
func giveWay(between func(size int)) (step func(size int)) {
	if between == nil {
		return func(int) {}
	}
	lowerThread()
	return between
}
