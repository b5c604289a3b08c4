// Package risks is the room of what may go wrong: a heat map, the list behind each of its numbers, and one page for each risk. All staff
// read it; programme managers and a risk's owner write.
package risks
