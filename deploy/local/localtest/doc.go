// Package localtest gives tests the real parts of deploy/local: a database of their own, a bucket of their own, identity
// providers, a mailbox, a webhook receiver, a faulty network and a browser.
//
// PostgreSQL, the S3 server and the browser start when the first test of a process asks for them and are shared by the rest of
// that process; everything that holds data is fresh for each test. Tests may run in parallel. When the process ends, however it
// ends, its servers end too and their files are removed.
package localtest
