package erasure

// ErrDied is what a test's Fault returns to end an attempt as a death of the process would: nothing is written down behind it.
var ErrDied = errDied

// Shelves are the tables that name objects.
var Shelves = shelves
