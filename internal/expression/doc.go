// Package expression compiles and runs what import profiles compute: CEL expressions over one row of a dataset.
//
// An expression sees row, whose fields are the dataset's declared columns, and customer, the customer's reference in the
// retired product. A column declared as integer is an int, one declared as boolean a bool, and every other a string, as
// the dataset's CSV file has it; each may be null. There is no clock and no chance in it, so that two readings of the
// same rows give the same.
//
// CEL is described at https://cel.dev; the functions are those of its standard library and of the strings extension
// without format and without loops (all, exists, map, filter): what is left takes time in proportion to the text looked at.
package expression
