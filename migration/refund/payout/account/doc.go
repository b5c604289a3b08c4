// Package account checks bank accounts before money is sent to them: IBANs and Chinese bank cards by their checksums and
// formats, the holder's name by what a bank can take. A number that passes can exist; only the bank knows whether it does.
package account
