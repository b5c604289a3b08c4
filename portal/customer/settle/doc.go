// Package settle is step 4 for customers: what they get back and why, asking for it, and following it until it is settled.
package settle
