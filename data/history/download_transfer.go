package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// transfer is a file on its way: what has come is in a file of its own until it is
// whole, with the version of the archive's file (its ETag) beside it.
type transfer struct {
	url     string
	partial string
	most    int64                 // bytes of the whole file
	stall   time.Duration         // how long nothing may come
	begin   func(at, whole int64) // is told how many bytes there are, of how many
	came    func(n int64)         // is told of bytes that come then
}

func (t transfer) version() string { return t.partial + ".etag" }

// attempt asks for what is missing and writes down what comes.
func (t transfer) attempt(ctx context.Context, client *http.Client, agent string) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(t.stall, func() { cancel(errStalled) })
	defer watch.Stop()
	defer func() {
		if err != nil && errors.Is(context.Cause(ctx), errStalled) {
			err = fmt.Errorf("%w for %s", errStalled, t.stall)
		}
	}()

	request, err := newRequest(ctx, t.url, agent)
	if err != nil {
		return err
	}
	if at, tag := t.begun(); at > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
		request.Header.Set("If-Range", tag)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	file, left, err := t.open(response)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return t.write(file, response.Body, left, func() { watch.Reset(t.stall) })
}

// begun returns how many bytes are there and which version they are of; 0 when
// going on with them is not possible.
func (t transfer) begun() (at int64, tag string) {
	version, err := os.ReadFile(t.version())
	// A weak tag does not say that the bytes are the same.
	if err != nil || !strings.HasPrefix(string(version), `"`) {
		return 0, ""
	}
	return t.have(), string(version)
}

// have returns how many bytes are there.
func (t transfer) have() int64 {
	stat, err := os.Stat(t.partial)
	if err != nil {
		return 0
	}
	return stat.Size()
}

// open makes the partial file ready for the answer's body. left is how many bytes
// the body may have at most; it has exactly as many where the answer says so.
func (t transfer) open(response *http.Response) (file *os.File, left int64, err error) {
	whole, at := response.ContentLength, int64(0)
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		have, _ := t.begun()
		if at, whole, err = contentRange(response.Header.Get("Content-Range")); err != nil {
			return nil, 0, refuse("%w", err)
		}
		if at != have || response.ContentLength >= 0 && at+response.ContentLength != whole {
			return nil, 0, refuse("asked for what follows %d bytes, the server sends %d bytes after %d of %d",
				have, response.ContentLength, at, whole)
		}
	case http.StatusRequestedRangeNotSatisfiable:
		return nil, 0, errors.Join(errors.New("the server's file is shorter than what there is of it: begin anew"), t.remove())
	default:
		return nil, 0, statusError(response)
	}
	if whole > t.most {
		return nil, 0, refuse("%d bytes are announced, more than %d", whole, t.most)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if at == 0 {
		flags |= os.O_TRUNC
	}
	if file, err = os.OpenFile(t.partial, flags, 0o600); err != nil {
		return nil, 0, &localError{err}
	}
	if at == 0 {
		if err := os.WriteFile(t.version(), []byte(response.Header.Get("ETag")), 0o600); err != nil {
			return nil, 0, &localError{errors.Join(err, file.Close())}
		}
	}
	if whole < 0 {
		return file, t.most - at, nil
	}
	t.begin(at, whole)
	return file, whole - at, nil
}

// write copies up to left bytes of the body to the file; more is an error.
func (t transfer) write(file *os.File, body io.Reader, left int64, alive func()) error {
	buffer := make([]byte, 256<<10)
	for {
		got, err := body.Read(buffer)
		alive()
		if left -= int64(got); left < 0 {
			return refuse("the server sends more than it has announced, or than %d bytes", t.most)
		}
		if _, err := file.Write(buffer[:got]); err != nil {
			return &localError{err}
		}
		t.came(int64(got))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the transfer broke off: %w", err)
		}
	}
}

// remove deletes what has come.
func (t transfer) remove() error {
	var errs []error
	for _, path := range []string{t.partial, t.version()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, &localError{err})
		}
	}
	return errors.Join(errs...)
}

// contentRange reads the header of that name: "bytes 7-99/100".
func contentRange(text string) (at, whole int64, err error) {
	span, size, cut := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	first, last, split := strings.Cut(span, "-")
	var end int64
	for _, number := range []struct {
		text string
		into *int64
	}{{first, &at}, {last, &end}, {size, &whole}} {
		value, err := strconv.ParseUint(number.text, 10, 62)
		if !cut || !split || err != nil {
			return 0, 0, fmt.Errorf("Content-Range %.100q: want one like bytes 7-99/100", text)
		}
		*number.into = int64(value)
	}
	if at > end || end != whole-1 {
		return 0, 0, fmt.Errorf("Content-Range %.100q: does not go to the end", text)
	}
	return at, whole, nil
}
