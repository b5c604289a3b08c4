package portal

// hookList is every route that replacements' programs call. The signature of a message is all that speaks for it.
func (s *Server) hookList() []Route {
	return []Route{
		{Method: post, Path: "/webhooks/replacements/:key", Access: Public, Handler: s.customer.TakeReport, Bare: true, Free: true},
		{Method: post, Path: "/webhooks/replacements/:key/hand-over", Access: Public, Handler: s.customer.RedeemHandOver, Bare: true, Free: true},
	}
}
