// Prints what Go's YAML makes of a table of scalars and texts, as ../go-yaml.json holds it:
//
//	go run . > ../go-yaml.json
//
// scalars: `m: {k: TYPED}` read without a target type (value, left out when Go refuses) and as a map of strings (text).
// keys:    `m: {TYPED: v}` read without a target type (key, left out when Go refuses).
// texts:   {"m": {"k": TEXT}, "l": [TEXT]} as Go writes it.
// orders:  maps with these keys as Go writes them.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	yamlv2 "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

var scalars = strings.Fields(`y Y yes Yes YES yEs on On oN off no NO n N true True tRue false null Null NULL nULL ~ .nan
.NaN .inf -.inf +.inf 0 -0 +0 00 01 08 09 0777 -0777 0o10 0O10 0x1F 0X1f -0x1f 0b11 -0b11 0b2 0b-1 0b+1 -0b-1 1_000 _1 1__0 1_ 0x_1
0_7 1e3 1E3 1.5e3 1e+3 1e-3 1e400 1.50 1.5 .5 -.5 +.5 .5_0 ._5 .5_ . + - .e1 1. 1.e1 5432 18446744073709551615
18446744073709551616 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
+18446744073709551615 99999999999999999999 12:30:45 190:20:30 2020-01-01 2020-13-01 2020-1-1T1:2:3Z x = 0x 0b 0o 1e 1e+
3.14159265358979 1234567.5 1e6 1e+06 1e20 123456789012 0.0001 0.00001 1e21 0.1 100000.5 16777217.0 1.0 2.0e0 -1.5
1.5e-07 1.5e-7 0x1p4 Inf NaN 1f 0x-1 +-1 AQ== 12e4 v1 a b1 e 1.2.3 10.0.0.1 0.5.1 1-2 00.5 -00 0xg 0_ 07_8 8_8.5_0 ~x`)

var texts = []string{"", " ", "  ", "a", " a", "a ", "a b", "\n", "\n\n", "a\n", "a\nb", "a\nb\n", "a\n\n", "\na", " a\nb", "a \nb",
	"a\n b", "a\n\n\nb\n\n\n", "\t", "a\tb", "a\r\nb", "\x00", "\x07\x1b\x7f", "é☃", "😀", "\u00a0", "\\", "\"", "'", "it's", "\"a\" 'b'",
	"- a", "-a", "-", "--", "---", "---a", "...", "...a", "?", "? a", "?a", ":", ": a", ":a", "a: b", "a:b", "a:", "a #b", "a#b", "#a",
	"*a", "&a", "!a", "%a", "@a", "`a", "{a", "}a", "[a", "]a", ",a", "|", "|-", ">", ">a", "a,b", "a]", "{}", "[]", "{a: b}", "=", "<a",
	"2001-12-14T21:59:43.1Z", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10", "2001-12-14 21:59:43.10 -5", "2020-02-30",
	"2020-1-1", "12:30", "12:30:45.5", "-1:00", "1:60", "ſ", "ü: x", "a  b", strings.Repeat("word ", 30), strings.Repeat("word  ", 30),
	strings.Repeat("it's ", 40), strings.Repeat("\t word", 30), strings.Repeat("#x ", 40), strings.Repeat("AgBy3i4OJSWK+/", 60) + "==",
	strings.Repeat("long text ", 20) + "\n" + strings.Repeat("more text ", 20), "{\n  \"type\": \"service_account\",\n  \"key\": \"-----BEGIN\\n\"\n}\n"}

var orders = [][]string{{"a10", "a2", "a1"}, {"b", "B", "a", "A"}, {"a-1", "a.1", "a_1", "a1", "aa"}, {"1", "10", "2", "02", "002"},
	{"a0", "a00", "a01", "a1"}, {"tls.key", "tls.crt", "ca.crt"}, {"x9", "x10y", "x10", "x"}, {"é", "e", "z"}, {".dockerconfigjson", "a"},
	{"v1.10.2", "v1.9.3", "v1.10"}, {"100a", "20b", "3c"}, {"a/b", "a-b", "ab"}}

type scalar struct {
	Typed string          `json:"typed"`
	Value json.RawMessage `json:"value,omitempty"`
	Text  *string         `json:"text,omitempty"`
	Key   *string         `json:"key,omitempty"`
}

type written struct {
	Value any    `json:"value"`
	YAML  string `json:"yaml"`
}

func write(value any) written {
	out, err := yamlv2.Marshal(value)
	if err != nil {
		panic(err)
	}
	return written{value, string(out)}
}

func main() {
	var table struct {
		MadeWith string    `json:"madeWith"`
		Scalars  []scalar  `json:"scalars"`
		Texts    []written `json:"texts"`
		Orders   []written `json:"orders"`
	}
	table.MadeWith = "sigs.k8s.io/yaml v1.6.0, go.yaml.in/yaml/v2 v2.4.2"
	for _, typed := range append(scalars, "") {
		one := scalar{Typed: typed}
		var untyped struct{ M map[string]json.RawMessage }
		if yaml.Unmarshal([]byte("m:\n  k: "+typed+"\n"), &untyped) == nil {
			one.Value = untyped.M["k"]
			if one.Value == nil {
				one.Value = json.RawMessage("null")
			}
		}
		var strs struct{ M map[string]string }
		if yaml.Unmarshal([]byte("m:\n  k: "+typed+"\n"), &strs) == nil {
			text := strs.M["k"]
			one.Text = &text
		}
		var keys struct{ M map[string]any }
		if yaml.Unmarshal([]byte("m:\n  "+typed+": v\n"), &keys) == nil {
			for key := range keys.M {
				one.Key = &key
			}
		}
		table.Scalars = append(table.Scalars, one)
	}
	for _, text := range texts {
		table.Texts = append(table.Texts, write(map[string]any{"m": map[string]any{"k": text}, "l": []any{text}}))
		if !strings.Contains(text, "\n") {
			table.Texts = append(table.Texts, write(map[string]any{text: text}))
		}
	}
	table.Texts = append(table.Texts,
		write(map[string]any{"a": nil, "b": true, "c": 5, "d": 1.5, "e": 1e21, "f": 0.000001, "g": -0.25, "h": 123456789.5}),
		write(map[string]any{"empty": map[string]any{}, "list": []any{}, "nested": []any{[]any{"a", []any{"b"}}, map[string]any{"c": []any{map[string]any{"d": "e"}}, "f": "g\nh"}}}),
		write(map[string]any{strings.Repeat("k", 128): "short enough", strings.Repeat("l", 129): "too long", strings.Repeat("m", 129): map[string]any{"a": "b", "c": "d"}, strings.Repeat("n", 129): []any{"a", "b"}}),
		write(map[string]any{"a\nb": "c"}))
	for _, keys := range orders {
		value := map[string]any{}
		for _, key := range keys {
			value[key] = "x"
		}
		table.Orders = append(table.Orders, write(value))
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(table); err != nil {
		panic(err)
	}
	os.Stdout.Write(out.Bytes())
}
