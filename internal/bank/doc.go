// Package bank knows the forms and checksums of bank accounts: IBANs, Chinese bank cards, and the codes of banks. Numbers are
// given as they are stored: capital letters, no spaces. A number that passes can exist; only the bank knows whether it does.
package bank
