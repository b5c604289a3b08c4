// Package local runs the real parts that Offramp stands on, on one machine: PostgreSQL, an S3 server, OpenID providers, a mail
// sink and a webhook receiver. The demo and the tests use it. Production never does: cmd/offramp does not import it.
//
// PostgreSQL and the S3 server are child processes, the rest are goroutines. Everything listens on 127.0.0.1 only, and nothing
// survives the process that started it, however that process ends.
package local
