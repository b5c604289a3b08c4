package bankresult

// ReadWithin is Read with another bound than MaxBytes.
var ReadWithin = readWithin
