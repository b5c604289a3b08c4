// Package figures counts what the programme has come to, week by week: how far customers are, how far messages reach, what is
// asked, exported, chosen and refunded. A worker counts; pages read what was counted, in the same time however many customers there
// are, and say how old it is. Nothing that is kept is about anybody.
package figures
