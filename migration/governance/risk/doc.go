// Package risk keeps the register of what may go wrong with a retirement: four classes, likelihood by impact, a plan, an owner and a day of
// review. A risk is closed only with evidence. Programme managers and a risk's owner write; all staff read.
package risk
