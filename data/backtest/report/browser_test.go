package report_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// visit is what a browser made of a page.
type visit struct {
	document string   // as it is after the scripts
	console  []string // what was written on the console
	requests []string // what it asked the network for
}

// browsersOwn are hosts that Chromium asks for itself at its start, whatever the page.
var browsersOwn = []string{"accounts.google.com", "clients2.google.com", "www.google.com"}

// mustVisit opens a page in a headless Chromium, whose only way to any network is a
// proxy that writes down what is asked for.
func mustVisit(t *testing.T, page string) visit {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium on this machine")
	}
	var v visit
	var mu sync.Mutex
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := strings.Cut(r.Host, ":"); !slices.Contains(browsersOwn, host) {
			mu.Lock()
			v.requests = append(v.requests, r.Host)
			mu.Unlock()
		}
		http.Error(w, "there is no network", http.StatusForbidden)
	}))
	defer proxy.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{"--headless", "--disable-gpu", "--user-data-dir=" + filepath.Join(dir, "profile"), "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--proxy-server=" + proxy.URL, "--proxy-bypass-list=<-loopback>", "--enable-logging=stderr",
		"--virtual-time-budget=1000", "--dump-dom", "file://" + file}
	if os.Geteuid() == 0 {
		args = slices.Insert(args, 1, "--no-sandbox")
	}
	command := exec.CommandContext(ctx, browser, args...)
	command.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	command.Stderr = &stderr
	document, err := command.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, stderr.String())
	}
	mu.Lock()
	defer mu.Unlock()
	v.document = string(document)
	for line := range strings.Lines(stderr.String()) {
		if strings.Contains(line, ":CONSOLE") {
			v.console = append(v.console, strings.TrimSpace(line))
		}
	}
	return v
}

func TestABrowserShowsTheChartsWithoutAnErrorAndWithoutTheNetwork(t *testing.T) {
	p := mustRun(t, walk(20_000))
	// What somebody does who looks at a chart: it writes the values at that place.
	look := `<script>const plot = document.querySelectorAll(".plot")[1], box = plot.getBoundingClientRect();
plot.dispatchEvent(new PointerEvent("pointermove", {clientX: box.left + box.width / 2, clientY: box.top + 9}));
document.body.dataset.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
document.body.dataset.drawn = [...document.querySelectorAll(".plot svg path")].filter((path) => {
  const box = path.getBoundingClientRect(), plot = path.closest(".plot").getBoundingClientRect();
  return path.getTotalLength() >= 0 && box.width > plot.width * 0.8 && box.left >= plot.left - 9 && box.right <= plot.right + 9 && box.bottom <= plot.bottom + 9;
}).length;</script></body>`
	v := mustVisit(t, strings.Replace(mustHTML(t, p), "</body>", look, 1))
	if len(v.console) > 0 {
		t.Errorf("on the console: %q", v.console)
	}
	if len(v.requests) > 0 {
		t.Errorf("requests to %q", v.requests)
	}
	if !strings.Contains(v.document, `data-drawn="8"`) {
		t.Errorf("not all of the eight paths cover their charts: %s", regexp.MustCompile(`<body[^>]*>`).FindString(v.document))
	}
	if !strings.Contains(v.document, `data-wide="false"`) {
		t.Error("the page is wider than its window")
	}
	want := regexp.MustCompile(`<div id="readout"><span>2019-10-11 14:46:\d\d</span><span>price 0\.\d+</span><span>equity \d+\.?\d*</span><span>buy and hold \d+\.?\d*</span><span>drawdown [\d.]+ %</span></div>`)
	if !want.MatchString(v.document) {
		t.Errorf("the values in the middle are not shown: %s", regexp.MustCompile(`<div id="readout".*?</div>`).FindString(v.document))
	}
}

// Or the test above could not fail.
func TestABrowserTellsOfErrorsAndOfTheNetwork(t *testing.T) {
	v := mustVisit(t, `<!DOCTYPE html><title>x</title><img src="http://elsewhere.example/x.png"><script>nothing.there()</script>`)
	if !slices.Contains(v.requests, "elsewhere.example") {
		t.Errorf("requests to %q", v.requests)
	}
	if len(v.console) == 0 {
		t.Error("no error is on the console")
	}
}

// Whatever a page might be made to contain, it can load nothing.
func TestThePagesPolicyKeepsTheNetworkOut(t *testing.T) {
	v := mustVisit(t, strings.Replace(mustHTML(t, mustRun(t, walk(100))), "</body>", `<img src="http://elsewhere.example/x.png"></body>`, 1))
	if len(v.requests) > 0 {
		t.Errorf("requests to %q", v.requests)
	}
}
