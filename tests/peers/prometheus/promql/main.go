// promql reads {"rules": TEXT, "queries": [TEXT]} from stdin: a file of alert rules, and queries of a dashboard. Prometheus'
// own code judges both. It prints, as JSON, what each expression asks of the scraped metrics: names and labels.
package main

import (
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

type asked struct {
	Query   string   `json:"query"`
	Metrics []metric `json:"metrics"`
	// Labels that results are grouped by.
	Grouping []string `json:"grouping"`
}

type metric struct {
	Name   string   `json:"name"`
	Labels []string `json:"labels"`
}

func ask(p parser.Parser, query string) asked {
	expr, err := p.ParseExpr(query)
	if err != nil {
		log.Fatalf("%s: %v", query, err)
	}
	found := asked{Query: query}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			m := metric{Name: n.Name}
			for _, matcher := range n.LabelMatchers {
				if matcher.Name != labels.MetricName {
					m.Labels = append(m.Labels, matcher.Name)
				}
			}
			found.Metrics = append(found.Metrics, m)
		case *parser.AggregateExpr:
			found.Grouping = append(found.Grouping, n.Grouping...)
		}
		return nil
	})
	return found
}

func main() {
	var input struct {
		Rules   string   `json:"rules"`
		Queries []string `json:"queries"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		log.Fatal(err)
	}
	p := parser.NewParser(parser.Options{})
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	groups, errs := rulefmt.Parse([]byte(input.Rules), false, model.UTF8Validation, p, quiet)
	for _, err := range errs {
		log.Print(err)
	}
	if len(errs) > 0 {
		os.Exit(1)
	}
	var all []asked
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			all = append(all, ask(p, rule.Expr))
		}
	}
	for _, query := range input.Queries {
		all = append(all, ask(p, query))
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		log.Fatal(err)
	}
}
