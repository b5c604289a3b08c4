// Package locked wraps one file into a Zip archive that opens with a password only: WinZip's AE-2 with AES-256, which 7-Zip, WinZip,
// Keka, Windows 11 and bsdtar open. It streams: neither the file nor its size is known before it ends.
//
//	local header | salt 16 | check of the password 2 | the file, encrypted | HMAC-SHA1 10 | descriptor | directory
//
// What is encrypted is the file in Deflate's stored blocks, so that a reader that cannot seek finds its end, and every byte of the
// file has its place: a reader that can seek opens any part of it without the rest.
//
// Sources: WinZip, "AES Encryption Information: Encryption Specification AE-1 and AE-2", version 1.04; PKWARE APPNOTE.TXT 6.3.10;
// RFC 1951, section 3.2.4; RFC 8018 (PBKDF2).
package locked
