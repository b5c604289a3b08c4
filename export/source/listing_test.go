package source_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local/localtest"
	"offramp/export/connect"
	"offramp/export/source"
)

// place is somewhere that objects lie, to be tried in the same way wherever that is.
type place struct {
	name, address string
	put           func(t *testing.T, key, content string)
}

// folder is a directory for files.
func folder(t *testing.T) place {
	dir := t.TempDir()
	return place{name: "directory", address: "file://" + dir, put: func(t *testing.T, key, content string) {
		path := filepath.Join(dir, filepath.FromSlash(key))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(content), 0o600))
	}}
}

// bucket is a bucket of a real S3 server.
func bucket(t *testing.T) (place, *s3.Client, string) {
	server := localtest.S3(t)
	name := server.Bucket(t)
	client := s3.New(s3.Options{
		Region: "us-east-1", UsePathStyle: true, BaseEndpoint: aws.String(server.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
	})
	address := fmt.Sprintf("s3+http://%s:%s@%s/%s", server.AccessKey, url.QueryEscape(server.SecretKey), strings.TrimPrefix(server.Endpoint, "http://"), name)
	return place{name: "bucket", address: address, put: func(t *testing.T, key, content string) {
		_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
			Bucket: &name, Key: &key, Body: strings.NewReader(content), ContentType: aws.String("image/png"), Metadata: map[string]string{"Owner": "a b"},
		})
		must(t, err)
	}}, client, name
}

func places(t *testing.T) []place {
	b, _, _ := bucket(t)
	return []place{folder(t), b}
}

func objectsOf(prefix string) source.Query {
	return source.Query{Dataset: "files", Objects: &source.ObjectQuery{Prefix: prefix}, Key: "key", Files: source.FileColumns{Key: "key", Size: "size"}}
}

// named returns the first columns of all rows.
func named(t *testing.T, s source.Snapshot, q source.Query, columns int) (rows []string) {
	t.Helper()
	for _, row := range all(t, s, q) {
		rows = append(rows, strings.Join(strings.Split(row, "|")[:columns], "|"))
	}
	return rows
}

// keys lie so that an order by path differs from one by bytes.
var keys = []string{"c/HZ-1/a-b.txt", "c/HZ-1/a.txt", "c/HZ-1/a/1.txt", "c/HZ-1/a/b/2.txt", "c/HZ-1/a0.txt", "c/HZ-1/z", "c/HZ-1/空 +%&=?#.png"}

func TestListingsAreRowsAndAttachments(t *testing.T) {
	ctx := context.Background()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			for i, key := range keys {
				p.put(t, key, strings.Repeat("x", i))
			}
			for _, other := range []string{"c/HZ-10/no.txt", "c/HZ-1.txt", "c/HZ", "c/HZ-0/no.txt", "d/HZ-1/no.txt"} {
				p.put(t, other, "another's")
			}
			s := open(t, p.address, source.Options{})
			must(t, s.Ping(ctx))
			snapshot, q := begin(t, s, "HZ-1"), objectsOf("c/:customer_id/")
			columns, err := snapshot.Check(ctx, q)
			must(t, err)
			if diff := cmp.Diff(source.ObjectColumns(*q.Objects), columns); diff != "" || len(columns) != 5 {
				t.Error(diff)
			}
			var want []string
			for i, key := range keys {
				want = append(want, fmt.Sprintf("%s|%s|%d", key, strings.TrimPrefix(key, "c/HZ-1/"), i))
			}
			if diff := cmp.Diff(want, named(t, snapshot, q, 3)); diff != "" {
				t.Error(diff)
			}
			n, err := snapshot.Count(ctx, q)
			must(t, err)
			w, err := snapshot.Weigh(ctx, q)
			must(t, err)
			if i := snapshot.Info(); n != 7 || w.Rows != 7 || w.Files != 7 || w.FileBytes != 21 || w.Bytes < 300 || i.Steady || !i.Free || i.ID != "" {
				t.Error(n, w, i)
			}
			modified := strings.Split(all(t, snapshot, q)[0], "|")[3]
			if at, err := time.Parse("2006-01-02 15:04:05.999999999-07", modified); err != nil || time.Since(at).Abs() > time.Hour {
				t.Error(modified, err)
			}
			o, err := connect.OpenObjects(ctx, p.address, source.Options{})
			must(t, err)
			for i, key := range keys {
				if body, size, err := fetch(o, key); err != nil || size != int64(i) || len(body) != i {
					t.Errorf("%s: %d bytes of %d, %v", key, len(body), size, err)
				}
			}
			if rows := all(t, begin(t, s, "HZ-2"), q); len(rows) != 0 {
				t.Error(rows)
			}
			q.MaxRows = 6
			if _, err := snapshot.Rows(ctx, q, func([][]byte) error { return nil }); source.KindOf(err) != source.Invalid || !strings.Contains(err.Error(), `"files": invalid: there are more than 6 rows`) {
				t.Error(err)
			}
		})
	}
}

// TestListingsAreCut holds the shares against the whole, for every size of share.
func TestListingsAreCut(t *testing.T) {
	ctx := context.Background()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			for i := range 40 {
				p.put(t, fmt.Sprintf("HZ-1/%c/f%d", 'a'+i%3, i), strings.Repeat("x", 100))
			}
			snapshot, q := begin(t, open(t, p.address, source.Options{}), "HZ-1"), objectsOf(":customer_id/")
			want := named(t, snapshot, q, 3)
			for _, most := range []int64{1, 250, 1000, 1 << 40} {
				shares, err := snapshot.Split(ctx, q, 10, most)
				must(t, err)
				var got []string
				for i, share := range shares {
					part := q
					part.Range = share.Range
					rows := named(t, begin(t, open(t, p.address, source.Options{}), "HZ-1"), part, 3)
					if share.Rows != int64(len(rows)) || share.FileBytes != 100*share.Rows || (most > 110 && share.Rows*110 > most) {
						t.Errorf("most %d, share %d: %+v, but %d rows", most, i, share, len(rows))
					}
					got = append(got, rows...)
				}
				if diff := cmp.Diff(want, got); diff != "" || len(want) != 40 || shares[0].Range.From != nil || shares[len(shares)-1].Range.Before != nil {
					t.Errorf("most %d, %d shares: %s", most, len(shares), diff)
				}
			}
		})
	}
}

// TestZ03_NobodySeesAnothersObjects tries prefixes and references that could.
func TestZ03_NobodySeesAnothersObjects(t *testing.T) {
	ctx := context.Background()
	for _, p := range places(t) {
		for _, key := range []string{"HZ/a", "HZ-1/b", "HZ-10/c", "HZ-1-x"} {
			p.put(t, key, "canary")
		}
		s := open(t, p.address, source.Options{})
		for _, prefix := range []string{"", "all/", ":customer_id", "c/:customer_id0/", ":customer/", ":customer_id/:other/", ":customer_id2/"} {
			if _, err := begin(t, s, "").Check(ctx, objectsOf(prefix)); source.KindOf(err) != source.Invalid {
				t.Errorf("%s: prefix %q: %v", p.name, prefix, err)
			}
		}
		for _, c := range []struct {
			prefix, customer string
			want             []string
		}{
			{":customer_id/", "HZ-1", []string{"HZ-1/b|b"}},
			{":customer_id/", "HZ", []string{"HZ/a|a"}},
			{":customer_id-", "HZ-1", nil},
			{":customer_id/", "", nil},
			{":customer_id/", "..", nil},
			{":customer_id/", ".", nil},
			{":customer_id/", "../HZ", nil},
			{":customer_id/", "HZ-1/../HZ", nil},
			{":customer_id/", "HZ\x00", nil},
			{":customer_id/", "HZ\n", nil},
			{":customer_id/", `HZ\`, nil},
		} {
			var got []string
			_, err := begin(t, s, c.customer).Rows(ctx, objectsOf(c.prefix), func(v [][]byte) error {
				got = append(got, string(v[0])+"|"+string(v[1]))
				return nil
			})
			if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) || err != nil && source.KindOf(err) != source.Invalid {
				t.Errorf("%s: %q with %q: %q, %v", p.name, c.prefix, c.customer, got, err)
			}
		}
	}
}

func TestListingsRefuseWhatTheyCannotDo(t *testing.T) {
	ctx := context.Background()
	for _, p := range places(t) {
		snapshot := begin(t, open(t, p.address, source.Options{}), "")
		for want, change := range map[string]func(*source.Query){
			"needs objects":              func(q *source.Query) { q.Objects = nil; q.SQL = "select 1" },
			"neither SQL":                func(q *source.Query) { q.SQL = "select 1" },
			"cannot be restricted":       func(q *source.Query) { q.Where = []source.Condition{{Column: "key"}} },
			"by the column key only":     func(q *source.Query) { q.Key = "size" },
			"which names its attachment": func(q *source.Query) { q.Files.Key = "url" },
			`column "colour" is missing`: func(q *source.Query) { q.Columns = []source.Column{{Name: "colour"}} },
		} {
			q := objectsOf("c/:customer_id/")
			change(&q)
			if _, err := snapshot.Check(ctx, q); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"files"`) {
				t.Errorf("%s: %v, want %s", p.name, err, want)
			}
		}
	}
}

func TestBucketsTellTheirMetadata(t *testing.T) {
	ctx := context.Background()
	p, client, name := bucket(t)
	for i := range 40 {
		p.put(t, fmt.Sprintf("c/HZ-1/%02d", i), "x")
	}
	s, q := open(t, p.address, source.Options{}), objectsOf("c/:customer_id/")
	q.Objects.Metadata = true
	columns, err := begin(t, s, "").Check(ctx, q)
	if err != nil || len(columns) != 7 {
		t.Fatal(columns, err)
	}
	for i, row := range all(t, begin(t, s, "HZ-1"), q) {
		cells := strings.Split(row, "|")
		if cells[1] != fmt.Sprintf("%02d", i) || len(cells[4]) < 32 || cells[5] != "image/png" || cells[6] != `{"owner":"a b"}` {
			t.Fatal(row)
		}
	}
	// One that goes while the list is read has no metadata; as an attachment it is named.
	n := 0
	_, err = begin(t, s, "HZ-1").Rows(ctx, q, func(v [][]byte) error {
		if n++; n == 1 {
			_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &name, Key: aws.String("c/HZ-1/39")})
			return err
		}
		if gone := string(v[1]) == "39"; gone != (v[6] == nil) {
			t.Errorf("%s: %s", v[0], v[6])
		}
		return nil
	})
	if err != nil || n != 40 {
		t.Fatal(n, err)
	}
	stop := io.ErrClosedPipe
	if n, err := begin(t, s, "HZ-1").Rows(ctx, q, func([][]byte) error { return stop }); err != stop || n != 0 { //nolint:errorlint // as it is
		t.Fatal(n, err)
	}
}

// TestE08_BucketsThatLieAreNamed asks a server that speaks S3 and repeats itself, is out of order, or promises for ever.
func TestE08_BucketsThatLieAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ page, want string }{
		"repeats a page":   {`<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken><Contents><Key>HZ-1/a</Key><Size>1</Size></Contents>`, `"HZ-1/a" came behind "HZ-1/a"`},
		"is out of order":  {`<Contents><Key>HZ-1/b</Key></Contents><Contents><Key>HZ-1/a</Key></Contents>`, `"HZ-1/a" came behind "HZ-1/b"`},
		"promises on":      {`<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>`, "promises more and does not give it"},
		"gives no token":   {`<IsTruncated>true</IsTruncated><Contents><Key>HZ-1/a</Key></Contents>`, "promises more and does not give it"},
		"encodes it wrong": {`<EncodingType>url</EncodingType><Contents><Key>HZ-1/%zz</Key></Contents>`, "is not encoded as it should be"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			fmt.Fprintf(w, `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</ListBucketResult>`, c.page)
		}))
		t.Cleanup(server.Close)
		s := open(t, strings.Replace(server.URL, "http://", "s3+http://a:s3cret@", 1)+"/bucket", source.Options{})
		_, err := begin(t, s, "HZ-1").Count(context.Background(), objectsOf(":customer_id/"))
		if source.KindOf(err) != source.Inconsistent || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"files"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
