// Package ops holds the operators' console: the queues, the workers and the exports at a glance, and River's own pages for
// single jobs behind our sign-in, our access table and our audit log.
package ops
