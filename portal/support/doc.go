// Package support holds the console of support agents: finding a customer, one screen about them, and another try for an
// export that failed. Everything that an agent looks at is recorded, and addresses are masked until asked for.
package support
