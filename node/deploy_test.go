package node_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"
)

// everyMetric returns what a node tells that has everything: a peer, a symbol that it
// trades, and trades of that.
func everyMetric(t *testing.T) (families scrape, text string) {
	t.Helper()
	c := newTeam(t, busyMarket(t, "XRPUSDT"), "n1", "n2")
	c.tradeAll("XRPUSDT")
	owner := c.members[c.owners()["XRPUSDT"]]
	families = waitFor(t, "all metrics of the symbol", func() (scrape, bool) {
		s := owner.scrape(t)
		return s, s.value("hedgehog_trades_stored_total", "XRPUSDT") > 0 && s.value("hedgehog_last_trade_lag_seconds", "XRPUSDT") != -1 &&
			len(s["hedgehog_forward_connected"].GetMetric()) > 0
	})
	_, text = owner.fetch(t, "/metrics", "")
	return families, text
}

// labels returns the names of a metric's labels, and the values that each has.
func (s scrape) labels(name string) map[string][]string {
	labels := make(map[string][]string)
	for _, m := range s[name].GetMetric() {
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = append(labels[l.GetName()], l.GetValue())
		}
	}
	return labels
}

// family returns what a query calls name: a histogram has three names more.
func (s scrape) family(name string) *dto.MetricFamily {
	if f := s[name]; f != nil {
		return f
	}
	for _, of := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, of); ok && s[base].GetType() == dto.MetricType_HISTOGRAM {
			return s[base]
		}
	}
	return nil
}

// fromPrometheus are the labels that whoever scrapes adds.
var fromPrometheus = []string{"instance", "job"}

// checkQuery reports metrics and labels in a query that no node has.
func (s scrape) checkQuery(t *testing.T, where, query string) (metrics int) {
	t.Helper()
	expr, err := metricsql.Parse(query)
	if err != nil {
		t.Errorf("%s: %q: %v", where, query, err)
		return 0
	}
	known := map[string]bool{}
	for _, l := range fromPrometheus {
		known[l] = true
	}
	var grouped []string
	metricsql.VisitAll(expr, func(e metricsql.Expr) {
		switch e := e.(type) {
		case *metricsql.AggrFuncExpr:
			grouped = append(grouped, e.Modifier.Args...)
		case *metricsql.BinaryOpExpr:
			grouped = append(grouped, e.GroupModifier.Args...)
		case *metricsql.MetricExpr:
			for _, filters := range e.LabelFilterss {
				metrics++
				s.checkSelector(t, where, filters, known)
			}
		}
	})
	for _, label := range grouped {
		if !known[label] {
			t.Errorf("%s: %q groups by %q, which none of its metrics has", where, query, label)
		}
	}
	return metrics
}

// checkSelector checks one metric with its filters, and adds its labels to known.
func (s scrape) checkSelector(t *testing.T, where string, filters []metricsql.LabelFilter, known map[string]bool) {
	t.Helper()
	name := filters[0].Value
	if filters[0].Label != "__name__" {
		t.Errorf("%s: a selector without a metric's name: %v", where, filters)
		return
	}
	if name == "up" {
		return
	}
	family := s.family(name)
	if family == nil {
		t.Errorf("%s: no node has a metric %s", where, name)
		return
	}
	labels := s.labels(family.GetName())
	for label := range labels {
		known[label] = true
	}
	if strings.HasSuffix(name, "_bucket") {
		known["le"] = true
	}
	for _, f := range filters[1:] {
		if slices.Contains(fromPrometheus, f.Label) {
			continue
		}
		matches := func(v string) bool { return v == f.Value }
		if f.IsRegexp {
			matches = regexp.MustCompile("^(?:" + f.Value + ")$").MatchString
		}
		if !slices.ContainsFunc(labels[f.Label], matches) {
			t.Errorf("%s: %s has %q of %v, not %q", where, name, f.Label, labels[f.Label], f.Value)
		}
	}
}

func TestWhatIsDeployedAndDocumentedAgreesWithTheMetricsThereAre(t *testing.T) {
	families, text := everyMetric(t)
	t.Run("names", func(t *testing.T) {
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	})
	t.Run("documentation", func(t *testing.T) { checkDocumentation(t, families) })
	t.Run("alerts", func(t *testing.T) { checkAlerts(t, families) })
	t.Run("dashboard", func(t *testing.T) { checkDashboard(t, families) })
	t.Run("configuration", checkPrometheusConfig)
}

var documented = regexp.MustCompile("(?m)^\\| `(hedgehog_[a-z_]+)` \\| (\\w+) \\| ([a-z, ]*)\\| (.+) \\|$")

func checkDocumentation(t *testing.T, families scrape) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for _, row := range documented.FindAllStringSubmatch(string(page), -1) {
		name, kind, labels := row[1], row[2], strings.TrimSpace(row[3])
		if told[name] {
			t.Errorf("%s is documented twice", name)
		}
		told[name] = true
		family := families[name]
		if family == nil {
			t.Errorf("%s is documented, and no node has it", name)
			continue
		}
		if is := strings.ToLower(family.GetType().String()); is != kind {
			t.Errorf("%s is a %s, documented as a %s", name, is, kind)
		}
		want := slices.Sorted(maps.Keys(families.labels(name)))
		got := strings.FieldsFunc(labels, func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s has the labels %v, documented are %v", name, want, got)
		}
	}
	for name := range families {
		if strings.HasPrefix(name, "hedgehog_") && !told[name] {
			t.Errorf("%s is not documented", name)
		}
	}
	if len(told) < 50 {
		t.Errorf("%d metrics are documented: the test does not see them", len(told))
	}
}

func checkAlerts(t *testing.T, families scrape) {
	content, err := os.ReadFile("../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(content)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] || !strings.HasPrefix(r.Alert, "Hedgehog") || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s %q: want a name of its own, a summary and what to do", g.Name, r.Alert)
			}
			seen[r.Alert] = true
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
				t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
			}
			if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			if families.checkQuery(t, r.Alert, r.Expr) == 0 {
				t.Errorf("%s looks at no metric", r.Alert)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d alerts: the test does not see them", len(seen))
	}
}

func checkDashboard(t *testing.T, families scrape) {
	content, err := os.ReadFile("../deploy/grafana/hedgehog.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Type    string
			Title   string
			Targets []struct{ Expr string }
			GridPos struct{ X, Y, W, H int }
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal(content, &board); err != nil {
		t.Fatal(err)
	}
	// As Grafana fills its variables in when everything is chosen.
	filled := strings.NewReplacer("$instance", ".*", "$symbol", ".*", "$__rate_interval", "1m")
	ids, queries := make(map[int]bool), 0
	for i, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, q := range p.Targets {
			queries += families.checkQuery(t, p.Title, filled.Replace(q.Expr))
		}
		a := p.GridPos
		for _, o := range board.Panels[:i] {
			if b := o.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies over %s", p.Title, o.Title)
			}
		}
	}
	variable := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	for _, v := range board.Templating.List {
		if v.Type != "query" {
			continue
		}
		of := variable.FindStringSubmatch(v.Definition)
		if of == nil {
			t.Errorf("variable %s is %q", v.Name, v.Definition)
			continue
		}
		families.checkQuery(t, v.Name, "count by ("+of[2]+") ("+of[1]+")")
	}
	if queries < 30 {
		t.Errorf("%d metrics in the dashboard: the test does not see them", queries)
	}
}

func checkPrometheusConfig(t *testing.T) {
	content, err := os.ReadFile("../deploy/prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		RuleFiles []string `yaml:"rule_files"`
		Scrape    []struct {
			Job string `yaml:"job_name"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	// The alerts ask for the job by its name.
	if len(config.Scrape) != 1 || config.Scrape[0].Job != "hedgehog" {
		t.Errorf("scrapes %+v, want the job hedgehog", config.Scrape)
	}
	for _, file := range config.RuleFiles {
		if _, err := os.Stat("../deploy/prometheus/" + file); errors.Is(err, os.ErrNotExist) {
			t.Errorf("rules are read from %s, which does not exist", file)
		}
	}
	if len(config.RuleFiles) == 0 {
		t.Error("no alerts are read")
	}
}
