// Prints what text/template makes of the templates of cases.txt: gotmpl/tests/language.tsv.
//
//	cd gotmpl/oracle/language && go run main.go > ../../tests/language.tsv
//
// Each line: the template as a Go string literal; "ok" and the output as a literal, or "parse" or "exec" with the line
// of the mistake and Go's words for it (for whoever reads the file: they are not compared).
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
)

type object struct{ Name string }

func (object) Twice(n int) int                       { return 2 * n }
func (object) Join(sep string, all ...string) string { return strings.Join(all, sep) }

// The functions that the test on the other side has as well.
var functions = template.FuncMap{
	"list":   func(all ...any) []any { return all },
	"ints":   func(all ...int) []int { return all },
	"dict":   func(key string, value any) map[string]any { return map[string]any{key: value} },
	"set":    func(m map[string]any, key string, value any) map[string]any { m[key] = value; return m },
	"none":   func() any { return nil },
	"object": func() object { return object{"n"} },
	"fails":  func(s string) (string, error) { return "", fmt.Errorf("no %s", s) },
	"lower":  strings.ToLower,
	"int64":  func(n int) int64 { return int64(n) },
	"float":  func(f float64) float64 { return f },
	"uint32": func(u uint32) uint32 { return u },
}

var data = map[string]string{"a": "1", "b": "x <y>", "empty": "", "A": "upper"}

func main() {
	file, err := os.Open("cases.txt")
	if err != nil {
		panic(err)
	}
	place := regexp.MustCompile(`^template: [^:]*:(\d+)`)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		text := lines.Text()
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		// A line of the file is one template; \n and the like are written out.
		if unquoted, err := strconv.Unquote("\"" + strings.ReplaceAll(text, `"`, `\"`) + "\""); err == nil && strings.Contains(text, `\n`) {
			text = unquoted
		}
		report := func(class string, err error) {
			line := "0"
			if found := place.FindStringSubmatch(err.Error()); found != nil {
				line = found[1]
			}
			fmt.Printf("%q\t%s\t%s\t%q\n", text, class, line, err.Error())
		}
		parsed, err := template.New("key").Funcs(functions).Parse(text)
		if err != nil {
			report("parse", err)
			continue
		}
		var out bytes.Buffer
		done := make(chan error, 1)
		go func() { done <- parsed.Execute(&out, data) }()
		select {
		case err := <-done:
			if err != nil {
				report("exec", err)
			} else {
				fmt.Printf("%q\tok\t0\t%q\n", text, out.String())
			}
		case <-time.After(time.Second):
			panic(text)
		}
	}
}
