// Renders templates as the reference does: Go's text/template with sprig's functions but the three that look at the
// machine. Reads one JSON object a line, {"template": text, "data": {name: base64}}, and answers each with one line:
// {"output": base64} or {"error": {"stage", "line", "column", "function", "message"}}.
//
// "stage" is "parse" or "execute"; "column" is 0 where Go gives none; "function" is there where a function failed.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type request struct {
	Template string            `json:"template"`
	Data     map[string][]byte `json:"data"`
}

type failure struct {
	Stage    string `json:"stage"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Function string `json:"function,omitempty"`
	Message  string `json:"message"`
}

type answer struct {
	Output *[]byte  `json:"output,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

var place = regexp.MustCompile(`^template: t:(\d+)(?::(\d+))?: `)
var calling = regexp.MustCompile(`error calling (\S+): `)

func failed(stage string, err error) answer {
	told := failure{Stage: stage, Message: err.Error()}
	if found := place.FindStringSubmatch(told.Message); found != nil {
		told.Line, _ = strconv.Atoi(found[1])
		told.Column, _ = strconv.Atoi(found[2])
	}
	if found := calling.FindStringSubmatch(told.Message); found != nil {
		told.Function = found[1]
	}
	return answer{Error: &told}
}

func render(functions template.FuncMap, asked request) answer {
	parsed, err := template.New("t").Funcs(functions).Parse(asked.Template)
	if err != nil {
		return failed("parse", err)
	}
	data := make(map[string]string, len(asked.Data))
	for name, value := range asked.Data {
		data[name] = string(value)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		return failed("execute", err)
	}
	bytes := append([]byte{}, out.Bytes()...)
	return answer{Output: &bytes}
}

// What main does after `time ROUNDS`: of one request, how many nanoseconds a rendering takes, and one with the parsing
// before it, as the reference does both for each template.
func measure(functions template.FuncMap, asked request, rounds int) {
	data := make(map[string]string, len(asked.Data))
	for name, value := range asked.Data {
		data[name] = string(value)
	}
	parse := func() *template.Template {
		return template.Must(template.New("t").Funcs(functions).Parse(asked.Template))
	}
	execute := func(parsed *template.Template) {
		var out bytes.Buffer
		if err := parsed.Execute(&out, data); err != nil {
			panic(err)
		}
	}
	each := func(once func()) int64 {
		for range rounds / 10 {
			once()
		}
		start := time.Now()
		for range rounds {
			once()
		}
		return time.Since(start).Nanoseconds() / int64(rounds)
	}
	parsed := parse()
	rendering := each(func() { execute(parsed) })
	whole := each(func() { execute(parse()) })
	fmt.Printf("{\"render\":%d,\"parse_and_render\":%d}\n", rendering, whole)
}

func main() {
	debug.SetMaxStack(1 << 28)
	functions := template.FuncMap(sprig.GenericFuncMap())
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	answers := json.NewEncoder(os.Stdout)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		if len(os.Args) == 3 && os.Args[1] == "time" {
			rounds, err := strconv.Atoi(os.Args[2])
			if err != nil {
				panic(err)
			}
			measure(functions, asked, rounds)
			return
		}
		if err := answers.Encode(render(functions, asked)); err != nil {
			panic(err)
		}
	}
}
