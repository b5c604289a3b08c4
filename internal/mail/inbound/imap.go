package inbound

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/emersion/go-imap"
	"github.com/emersion/go-imap/client"

	"offramp/internal/mail/report"
)

// fetchedAtOnce bounds what the server sends in one answer.
const fetchedAtOnce = 20

func (m Mailbox) readIMAP(ctx context.Context, from Cursor, most int, take Take) (more bool, err error) {
	conn, err := m.dial(ctx)
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, err := client.New(conn)
	if err != nil {
		_ = conn.Close()
		return false, wrap("greet", err)
	}
	c.Timeout = patience
	defer func() { _ = c.Logout() }()
	if err := c.Login(m.user, m.password); err != nil {
		return false, fmt.Errorf("%w: %w", ErrSignIn, err)
	}
	box, err := c.Select(m.folder, true)
	if err != nil {
		return false, wrap("open the folder "+m.folder, err)
	}
	if from.Validity != box.UidValidity { // the server has numbered its mails anew
		from = Cursor{Validity: box.UidValidity}
	}
	if most == 0 || box.Messages == 0 {
		return false, nil
	}
	criteria := imap.NewSearchCriteria()
	criteria.Uid = new(imap.SeqSet)
	criteria.Uid.AddRange(from.UID+1, 0)
	uids, err := c.UidSearch(criteria)
	if err != nil {
		return false, wrap("list mails", err)
	}
	// "n:*" holds the last mail even where n is beyond it: RFC 9051, section 9, seq-range.
	uids = slices.DeleteFunc(uids, func(uid uint32) bool { return uid <= from.UID })
	slices.Sort(uids)
	more = len(uids) > most
	for some := range slices.Chunk(uids[:min(most, len(uids))], fetchedAtOnce) {
		if err := fetch(c, some, from.Validity, take); err != nil {
			return false, err
		}
	}
	return more, nil
}

// fetch takes some mails in the order of their numbers.
func fetch(c *client.Client, uids []uint32, validity uint32, take Take) error {
	set := new(imap.SeqSet)
	set.AddNum(uids...)
	section := &imap.BodySectionName{Peek: true, Partial: []int{0, report.MaxBytes}}
	found := map[uint32][]byte{}
	messages, done := make(chan *imap.Message, len(uids)), make(chan error, 1)
	go func() { done <- c.UidFetch(set, []imap.FetchItem{imap.FetchUid, section.FetchItem()}, messages) }()
	for message := range messages {
		body := message.GetBody(section)
		if body == nil {
			continue // deleted in between
		}
		raw, err := io.ReadAll(io.LimitReader(body, report.MaxBytes))
		if err != nil {
			return wrap("read mail", err)
		}
		found[message.Uid] = raw
	}
	if err := <-done; err != nil {
		return wrap("fetch mails", err)
	}
	for _, uid := range uids {
		raw, there := found[uid]
		if !there {
			continue
		}
		if err := take(raw, Cursor{validity, uid}); err != nil {
			return err
		}
	}
	return nil
}
