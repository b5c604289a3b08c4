// Package report reads what mail systems send back about our mails: reports of delivery (RFC 3464, in any of the shapes that are
// about) and complaints (RFC 5965), and proves that they are about a mail of ours.
//
// Anybody can write a report. It counts only with a proof: the address that the report came to, or the sender of the envelope that
// it quotes, holds the id of the mail and a seal over it that only the installation can make; or it quotes our Message-ID, which
// holds the same. Whoever got the mail knows both, and nobody else does.
package report
